/* SPDX-License-Identifier: MIT */
/*
 * The reduction: steps that follow at once, as part of the action before them, see model.h.
 *
 * The argument. Each rule takes any schedule without the reduction to one with it whose last state
 * shows the oracles at least as much. What policies read (words, roots, the number of purges) is
 * the same in both at each of their operations. What may differ is on CPUs that are no targets:
 * what their TLBs may hold (more, in the schedule with the reduction), what flushes they have
 * executed cover (less), and how early a purge is over (earlier). No action depends on the first
 * two, and nothing is forbidden by the third. A finding stays one with more, less, earlier: stale
 * and lost are "over, and the TLB may hold it", "over, and not covered"; spurious looks at the
 * covered set of targets alone.
 *
 *  1. A purge begins: its PTE's clearing reaches memory, and it takes its number. Of the three
 *     moments the last one is when both schedules do it. A flush in between reached the old
 *     translation and did not count; now the translation outlives that flush. The buffer has to be
 *     empty before: what is in it would have to be by the number.
 *  2. A CPU that is no target flushes: as it takes the IPI for another's purge, or for its own as
 *     soon as its interrupts are off. Earlier reaches less and covers less.
 *  3. Such a CPU answers as soon as it has flushed and told the policy, and a target does if no NMI
 *     or #MC can come between. Nothing waits for an answer not to come.
 *  4. The last answer ends the purge. Nothing waits for a purge not to be over.
 *  5. A door's hook begins with its first operation. Before that, the words do not tell a target
 *     that has made up its mind to enter or leave from one that has not, and the oracles watch the
 *     latter at least as closely. Only if nothing keeps that operation waiting.
 */
#include "tests/explorer/eager.h"

#include "tests/explorer/actors.h"
#include "tests/explorer/hook.h"
#include "tests/explorer/machine.h"

bool eager_steps = true;

bool eager_may_purge(const struct cpu_state *c)
{
	return !eager_steps || !c->nr_buffered;
}

bool eager_starts_door(const struct state *s, u8 action)
{
	const struct frame *f = top_of(&s->cpus[ACTION_CPU(action)]);

	switch (ACTION_VERB(action)) {
	case ACT_SYSCALL:
	case ACT_LEAVE:
	case ACT_NMI:
	case ACT_MC:
		return true;
	case ACT_IRQ:
		return f->kind == FRAME_TARGET && f->at == TARGET_RING3;
	case ACT_STEP:
		return f->kind >= FRAME_NMI && f->at == PARANOID_HANDLER;
	default:
		return false;
	}
}

static bool can_be_struck(const struct state *s, unsigned int cpu)
{
	return is_target(cpu) && (s->nmis_left || s->mcs_left);
}

/* Rules 1 to 4: the verb with which CPU goes on at once; VERBS if it does not. */
static enum verb goes_on(const struct state *s, unsigned int cpu)
{
	const struct cpu_state *c = &s->cpus[cpu];
	const struct frame *f = top_of(c);
	bool drained = !c->nr_buffered;

	if (f->hook)
		return VERBS;
	if (f->kind == FRAME_INITIATOR) {
		if (f->at == INIT_ISSUE)
			return drained ? ACT_STEP : ACT_COMMIT;
		if (f->at == INIT_LOCAL)
			return drained ? ACT_STEP : VERBS;
		if (f->at == INIT_WAIT)
			return s->purges[f->purge].waiting ? VERBS : ACT_STEP;
		return VERBS;
	}
	if (f->kind != FRAME_IRQ || !drained)
		return VERBS;
	if (f->at == IRQ_FLUSH)
		return is_target(cpu) ? VERBS : ACT_STEP;
	return can_be_struck(s, cpu) ? VERBS : ACT_STEP;
}

bool eager_action(const struct state *s, u8 last, bool started_door, u8 *action)
{
	if (!eager_steps)
		return false;
	if (started_door) {
		unsigned int cpu = ACTION_CPU(last);

		if (top_of(&s->cpus[cpu])->hook && model_hook_can_step(s, cpu)) {
			*action = ACTION(cpu, ACT_STEP);
			return true;
		}
	}
	for (u32 cpu = 0; cpu < nr_model_cpus(); cpu++) {
		enum verb verb = goes_on(s, cpu);

		if (verb != VERBS) {
			*action = ACTION(cpu, verb);
			return true;
		}
	}
	return false;
}
