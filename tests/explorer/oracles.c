/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a state. These are conditions on states, so no access has to be made for one
 * to be seen: where an old translation may be used, it counts as used.
 */
#include "tests/explorer/actors.h"

#include <stdlib.h>

#include "tests/explorer/hook.h"
#include "tests/explorer/machine.h"
#include "tests/explorer/model.h"

void (*model_found)(enum context, enum effect, const struct finding *);

static void found(enum context context, enum effect effect, const char *rule, unsigned int cpu,
		  u8 purges)
{
	u8 purge = purges ? (u8)__builtin_ctz(purges) : 0;

	model_found(context, effect, &(struct finding){true, rule, cpu, purge});
}

/*
 * Stale and lost, where the kernel may touch anything. A policy that holds addresses back until
 * nobody lags promises more (R7): no old translation anywhere, in ring 3 neither. A freed page
 * table must not be within reach of a walk, and any CPU on the kernel's root may walk (R1). With
 * two roots ring 3 must not see the kernel's tables, and the kernel needs them.
 */
static void check_cpu(const struct state *s, unsigned int cpu)
{
	const struct cpu_state *c = &s->cpus[cpu];
	u8 stale = s->released & c->may;
	u8 lost = s->completed & (u8)~c->covered;
	enum context context = CONTEXT_PROCESS;
	bool in_zone = in_kernel_zone(c, &context);
	const struct frame *f = top_of(c);

	for (u8 i = 0; i < MAX_PURGES; i++)
		if ((stale >> i & 1) && s->purges[i].kind == PURGE_TABLE && !c->ring3_root)
			found(context, EFFECT_STALE, "R1", cpu, (u8)BIT(i));
	if (stale && hook_policy()->lags)
		found(context, EFFECT_STALE, "R7", cpu, stale);
	if (machine_two_roots() && is_target(cpu) &&
	    (in_zone ? c->ring3_root
		     : f->kind == FRAME_TARGET && f->at == TARGET_RING3 && !c->ring3_root))
		found(context, EFFECT_ROOT, NULL, cpu, 0);
	if (!in_zone)
		return;
	if (stale)
		found(context, EFFECT_STALE, context == CONTEXT_NMI ? "R6" : NULL, cpu, stale);
	if (lost)
		found(context, EFFECT_LOST, context == CONTEXT_NMI ? "R6" : NULL, cpu, lost);
}

void oracles_check(const struct state *s)
{
	for (u32 cpu = 0; cpu < nr_model_cpus(); cpu++)
		check_cpu(s, cpu);
}

/*
 * R9: a drain answers to a purge that this CPU has not flushed for, or that the policy has recorded
 * for it since its last drain, or is being asked about. What was recorded while an entry was under
 * way may have come after its look at the words and before this count: the next drain may be for
 * it.
 */
void drain_begins(struct state *s, unsigned int cpu)
{
	struct cpu_state *c = &s->cpus[cpu];
	bool owed = (s->issued & (u8)~c->covered) || c->recorded || is_asked_about(s, cpu);

	c->recorded = c->recorded_late;
	c->recorded_late = false;
	if (!owed && !hook_policy()->eager)
		found(in_paranoid_door(c) ? CONTEXT_NMI : CONTEXT_PROCESS, EFFECT_SPURIOUS, "R9",
		      cpu, 0);
}

void oracle_answered(const struct state *s, unsigned int initiator, bool ipi)
{
	const struct frame *f = &s->cpus[initiator].frames[0];

	if (ipi && (f->flags & QUIET) && hook_policy()->defers)
		found(CONTEXT_PROCESS, EFFECT_DISTURBED, NULL, f->arg, (u8)BIT(f->purge));
}

void oracle_stuck(const struct state *s, unsigned int cpu)
{
	enum context context = in_paranoid_door(&s->cpus[cpu]) ? CONTEXT_NMI : CONTEXT_PROCESS;

	found(context, EFFECT_STUCK, NULL, cpu, 0);
}
