/* SPDX-License-Identifier: MIT */
/*
 * What the oracles say of a step, and what a policy claims, see sweep.h. The counters belong to the
 * target; they are read while it is in ring 3 without an order and no purge is under way.
 */
#include "kernel/sweep.h"

#include "arch/x86_64/percpu.h"
#include "arch/x86_64/string.h"
#include "kernel/canary.h"
#include "kernel/format.h"
#include "kernel/parse.h"

static const char *const contexts[SWEEP_CONTEXTS] = {"process", "nmi"};
static const char *const effects[SWEEP_EFFECTS] = {"stale", "lost", "spurious"};
static const char *const zones[STEP_ZONES] = {"entry", "kernel", "exit"};

const char *sweep_context_word(enum sweep_context context)
{
	return contexts[context];
}

const char *sweep_effect_word(enum sweep_effect effect)
{
	return effects[effect];
}

struct sweep_counts sweep_counts(const struct sweep *s)
{
	const struct percpu *cpu = percpu(s->target), *initiator = percpu(s->initiator);
	struct canary_counts canary = canary_counts(s->target);

	return (struct sweep_counts){
		.n[SWEEP_PROCESS][SWEEP_STALE] = canary.stale,
		.n[SWEEP_PROCESS][SWEEP_LOST] = READ_ONCE(cpu->lost) - READ_ONCE(cpu->lost_in_nmi) +
						READ_ONCE(initiator->lost) -
						READ_ONCE(initiator->lost_in_nmi),
		.n[SWEEP_PROCESS][SWEEP_SPURIOUS] = READ_ONCE(cpu->tlb.nr_spurious_drains) -
						    s->spurious_in_nmi,
		.n[SWEEP_NMI][SWEEP_STALE] = canary.nmi_stale,
		.n[SWEEP_NMI][SWEEP_LOST] = READ_ONCE(cpu->lost_in_nmi) +
					    READ_ONCE(initiator->lost_in_nmi),
		.n[SWEEP_NMI][SWEEP_SPURIOUS] = s->spurious_in_nmi,
	};
}

void sweep_note(struct sweep *s, const struct sweep_counts *before, const struct scenario *scenario,
		const struct sweep_point *p)
{
	struct sweep_counts now = sweep_counts(s);

	for (u32 c = 0; c < SWEEP_CONTEXTS; c++) {
		for (u32 e = 0; e < SWEEP_EFFECTS; e++) {
			struct finding *found = &s->found[c][e];

			if (now.n[c][e] == before->n[c][e])
				continue;
			if (e == SWEEP_SPURIOUS && s->policy->eager) /* R9 is not promised */
				continue;
			if (found->steps++)
				continue;
			found->first = s->steps;
			found->door = s->door;
			found->scenario = scenario;
			found->point = *p;
		}
	}
}

static bool is_about(const struct policy_claim *claim, enum sweep_context context,
		     enum sweep_effect effect)
{
	bool nmi = strcmp(claim->context, contexts[SWEEP_NMI]) == 0;

	return nmi == (context == SWEEP_NMI) && strcmp(claim->effect, effects[effect]) == 0;
}

const struct policy_claim *sweep_claim(const struct flush_policy *policy,
				       enum sweep_context context, enum sweep_effect effect)
{
	for (u32 i = 0; i < policy->nr_claims; i++)
		if (is_about(&policy->claims[i], context, effect))
			return &policy->claims[i];
	return NULL;
}

const struct finding *sweep_claimed(const struct sweep *s, const struct policy_claim *claim)
{
	for (u32 c = 0; c < SWEEP_CONTEXTS; c++)
		for (u32 e = 0; e < SWEEP_EFFECTS; e++)
			if (is_about(claim, c, e))
				return &s->found[c][e];
	return NULL;
}

int sweep_position_text(char *buf, size_t size, u64 position)
{
	return snprintf(buf, size, "%s+%lu", zones[position >> STEP_ZONE_SHIFT],
			position & (BIT(STEP_ZONE_SHIFT) - 1));
}

bool sweep_position_parse(const char *text, u64 *position)
{
	for (u32 zone = 0; zone < STEP_ZONES; zone++) {
		size_t length = strlen(zones[zone]);
		u64 index;

		if (strlen(text) <= length + 1 || memcmp(text, zones[zone], length) != 0 ||
		    text[length] != '+')
			continue;
		if (!parse_u64(text + length + 1, strlen(text + length + 1), &index) ||
		    index >= BIT(STEP_ZONE_SHIFT))
			return false;
		*position = STEP_AT(zone, index);
		return true;
	}
	return false;
}
