/* SPDX-License-Identifier: MIT */
/*
 * What may happen in a state, and making it happen. The first state.
 *
 * When a hook has ended its frame moves on in the same action: nobody could tell the difference.
 */
#include "tests/explorer/model.h"

#include <stdlib.h>
#include <string.h>

#include "tests/explorer/actors.h"
#include "tests/explorer/eager.h"
#include "tests/explorer/hook.h"
#include "tests/explorer/machine.h"

/* --- Actions --------------------------------------------------------------------------------- */

static bool has_frame(const struct cpu_state *c, enum frame_kind kind)
{
	for (u32 i = 0; i < c->nr_frames; i++)
		if (c->frames[i].kind == kind)
			return true;
	return false;
}

static bool interrupts_on(const struct frame *f)
{
	switch ((enum frame_kind)f->kind) {
	case FRAME_INITIATOR:
		return f->at != INIT_LOCAL && f->at != INIT_LOCAL_FLUSHED;
	case FRAME_TARGET:
		return f->at == TARGET_RING3 || f->at == TARGET_KERNEL;
	case FRAME_BYSTANDER:
		return true;
	default:
		return false;
	}
}

/* The innermost frame's own next action, if it is not in a hook; VERBS if it has none. */
static enum verb next_verb(const struct state *s, unsigned int cpu, const struct frame *f)
{
	bool drained = !s->cpus[cpu].nr_buffered;

	switch ((enum frame_kind)f->kind) {
	case FRAME_INITIATOR:
		if (f->at == INIT_NEXT)
			return VERBS;
		if (f->at == INIT_WAIT)
			return s->purges[f->purge].waiting ? VERBS : ACT_STEP;
		return drained ? ACT_STEP : VERBS;
	case FRAME_TARGET:
		if (f->at == TARGET_RING3)
			return s->cpus[cpu].visits_left ? ACT_SYSCALL : VERBS;
		return ACT_LEAVE;
	case FRAME_BYSTANDER:
		return VERBS;
	case FRAME_IRQ:
		return drained ? ACT_STEP : VERBS;
	default:
		return ACT_STEP;
	}
}

bool model_hook_can_step(const struct state *s, unsigned int cpu)
{
	const struct cpu_state *c = &s->cpus[cpu];
	struct hook_run run = hook_run(s, cpu, top_of(c));

	if (run.op.kind == OP_STORE)
		return !buffer_full(c);
	return !c->nr_buffered || !op_waits_for_buffer(&run.op);
}

u32 model_actions(const struct state *s, u8 *actions)
{
	u32 nr = 0;

	for (u32 cpu = 0; cpu < nr_model_cpus(); cpu++) {
		const struct cpu_state *c = &s->cpus[cpu];
		const struct frame *f = top_of(c);
		bool drained = !c->nr_buffered;
		enum verb verb;

		if (!drained)
			actions[nr++] = ACTION(cpu, ACT_COMMIT);
		if (f->hook)
			verb = model_hook_can_step(s, cpu) ? ACT_STEP : VERBS;
		else
			verb = next_verb(s, cpu, f);
		if (verb != VERBS)
			actions[nr++] = ACTION(cpu, verb);
		if (f->kind == FRAME_INITIATOR && f->at == INIT_NEXT && eager_may_purge(s, cpu) &&
		    f->purge < (cpu + 1) * bounds_now->purges) {
			actions[nr++] = ACTION(cpu, ACT_RANGED);
			actions[nr++] = ACTION(cpu, ACT_FULL);
			if (bounds_now->tables)
				actions[nr++] = ACTION(cpu, ACT_TABLE);
		}
		if (c->queue && drained && interrupts_on(f))
			actions[nr++] = ACTION(cpu, ACT_IRQ);
		if (!is_target(cpu) || !drained)
			continue;
		if (s->nmis_left && !has_frame(c, FRAME_NMI))
			actions[nr++] = ACTION(cpu, ACT_NMI);
		if (s->mcs_left && !has_frame(c, FRAME_MC))
			actions[nr++] = ACTION(cpu, ACT_MC);
	}
	return nr;
}

/* What has to be over before anything else begins; the smaller, the sooner. */
static u32 urgency(const struct state *s, u8 action)
{
	const struct frame *f = top_of(&s->cpus[ACTION_CPU(action)]);

	if (ACTION_VERB(action) == ACT_COMMIT)
		return 0;
	if (ACTION_VERB(action) == ACT_STEP && f->kind < FRAME_NMI)
		return 1;
	if (ACTION_VERB(action) == ACT_STEP && f->hook)
		return 1;
	return ACTION_VERB(action) == ACT_IRQ ? 2 : 3;
}

u32 model_sequential_actions(const struct state *s, u8 *actions)
{
	u32 nr = model_actions(s, actions);
	u32 most = 3, kept = 0;

	for (u32 i = 0; i < nr; i++)
		if (urgency(s, actions[i]) < most)
			most = urgency(s, actions[i]);
	for (u32 i = 0; i < nr && !(most < 3 && kept); i++)
		if (urgency(s, actions[i]) == most)
			actions[kept++] = actions[i];
	return kept;
}

/* One action alone. True: it cannot go on. */
static bool step(struct state *s, u8 action)
{
	unsigned int cpu = ACTION_CPU(action);
	struct frame *f = top(s, cpu);
	bool goes_on;

	switch ((enum verb)ACTION_VERB(action)) {
	case ACT_STEP:
		actor_step(s, cpu);
		break;
	case ACT_COMMIT:
		buffer_commit(s, cpu);
		break;
	case ACT_RANGED:
		initiator_purge(s, cpu, f, PURGE_RANGED);
		break;
	case ACT_FULL:
		initiator_purge(s, cpu, f, PURGE_FULL);
		break;
	case ACT_TABLE:
		initiator_purge(s, cpu, f, PURGE_TABLE);
		break;
	case ACT_SYSCALL:
		actor_syscall(s, cpu);
		break;
	case ACT_LEAVE:
		actor_leave(s, cpu);
		break;
	case ACT_IRQ:
		actor_take_irq(s, cpu);
		break;
	case ACT_NMI:
		actor_struck(s, cpu, FRAME_NMI);
		break;
	case ACT_MC:
		actor_struck(s, cpu, FRAME_MC);
		break;
	case VERBS:
		abort();
	}
	goes_on = actor_settle(s, cpu);
	tlb_fill_all(s);
	oracles_check(s);
	return !goes_on;
}

bool model_apply(struct state *s, u8 action, model_watch *watch)
{
	struct state before;
	bool stuck, more;

	do {
		bool starts_door = eager_starts_door(s, action);
		u8 now = action;

		if (watch)
			before = *s;
		stuck = step(s, now);
		if (watch)
			watch(&before, s, now);
		more = !stuck && eager_action(s, now, starts_door, &action);
	} while (more);
	return stuck;
}

void model_begin(struct state *s, bool two_roots)
{
	memset(s, 0, sizeof(*s));
	machine_select(two_roots);
	hook_reset_words(nr_model_cpus());
	s->nmis_left = bounds_now->nmis;
	s->mcs_left = bounds_now->mcs;
	s->present = (u8)(BIT(bounds_now->initiators * bounds_now->purges) - 1);
	for (u32 cpu = 0; cpu < nr_model_cpus(); cpu++) {
		struct cpu_state *c = &s->cpus[cpu];
		struct frame *f;

		c->may = s->present;
		if (is_target(cpu)) {
			push(s, cpu, FRAME_TARGET);
			c->visits_left = bounds_now->visits;
			c->ring3_root = two_roots;
			hook_exit_at_once(cpu);
		} else if (cpu < bounds_now->initiators) {
			f = push(s, cpu, FRAME_INITIATOR);
			f->purge = (u8)(cpu * bounds_now->purges);
		} else {
			push(s, cpu, FRAME_BYSTANDER);
			hook_policy()->stop_tracking(cpu);
		}
	}
}
