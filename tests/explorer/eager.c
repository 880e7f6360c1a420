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
 *  6. A store to a word that no other CPU uses leaves its buffer as soon as it is the oldest. Its
 *     own CPU reads it either way.
 *  7. An operation that no other CPU can see, and whose answer none can change, follows the one
 *     before it, in a hook that nothing strikes or interrupts: a load of a word that only this CPU
 *     writes, a LOCKed operation on one that only it uses, a store (into its buffer), a look at the
 *     root that is loaded. If the hook ends by it, earlier is as above: a target is in the kernel
 *     sooner, where the oracles watch it, and leaves for ring 3 when it likes; a purge's answer is
 *     there sooner.
 *  8. An initiator that asks about another, or about itself, loads words that nobody writes.
 *     Interrupts are on there, and change nothing of the answer; the other's IPI is sent sooner,
 *     and taken when it likes. Not about itself, if the policy is told of flushes and there is a
 *     second initiator: in which order the own flush and the other's IPI are told may matter.
 *  9. An initiator takes an IPI as soon as it can, as in 2, if the policy is not told of flushes.
 *     If it is, and has no lags(), then while the initiator waits for answers or is through with
 *     its purges: there its own flush is over.
 * 10. Initiators begin their first purges in their order. Policies treat CPUs alike, and pages, so
 *     in any other order the same happens with other names. Not where CPUs are asked in the order
 *     of their numbers, one's own in between (lags(), targets()): there the names tell.
 *
 * Who uses which word is found out on the way (uses.h).
 */
#include "tests/explorer/eager.h"

#include "tests/explorer/actors.h"
#include "tests/explorer/hook.h"
#include "tests/explorer/machine.h"
#include "tests/explorer/uses.h"

bool eager_steps = true;

static bool has_begun(const struct state *s, unsigned int cpu)
{
	const struct frame *f = &s->cpus[cpu].frames[0];

	return f->at != INIT_NEXT || f->purge != cpu * bounds_now->purges;
}

bool eager_may_purge(const struct state *s, unsigned int cpu)
{
	if (!eager_steps)
		return true;
	if (s->cpus[cpu].nr_buffered)
		return false;
	return !cpu || has_begun(s, cpu - 1) || hook_exists(HOOK_LAGS) || ask_by_targets;
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

/* Rule 6. */
static bool is_private(const struct cpu_state *c, unsigned int cpu)
{
	return c->nr_buffered && c->buffer[0].cell != BUFFERED_PTE && !bounds_now->sequential &&
	       uses_alone(c->buffer[0].cell, cpu);
}

/* Rule 7: the hook is all that runs on CPU until it ends. */
static bool is_undisturbed(const struct state *s, unsigned int cpu, const struct frame *f)
{
	if (f->kind == FRAME_INITIATOR)
		return f->at == INIT_LOCAL_FLUSHED || bounds_now->initiators == 1;
	if (f->kind == FRAME_NMI && !s->mcs_left)
		return true;
	return !can_be_struck(s, cpu);
}

/* Rule 8. */
static bool asks_of_initiator(unsigned int cpu, const struct frame *f)
{
	if (f->kind != FRAME_INITIATOR || f->at != INIT_ASK || is_target(f->arg))
		return false;
	return f->arg != cpu || bounds_now->initiators == 1 || !hook_exists(HOOK_FLUSHED);
}

static bool is_invisible(const struct cpu_state *c, unsigned int cpu, const struct op *op)
{
	switch (op->kind) {
	case OP_LOAD:
		return uses_as_writer(cell_of(op->addr), cpu);
	case OP_STORE:
		return !buffer_full(c);
	case OP_XCHG:
	case OP_ADD:
	case OP_AND:
	case OP_OR:
	case OP_CMPXCHG:
		return !c->nr_buffered && uses_alone(cell_of(op->addr), cpu);
	case OP_READ_ROOT:
		return true;
	default:
		return false;
	}
}

/* Rules 7 and 8. An initiator's look at a target is an action: the oracles ask when it was. */
static bool hook_goes_on(const struct state *s, unsigned int cpu)
{
	const struct cpu_state *c = &s->cpus[cpu];
	const struct frame *f = top_of(c);
	bool undisturbed = is_undisturbed(s, cpu, f);
	struct op op;

	if (bounds_now->sequential || (f->hook == HOOK_NEED_IPI && is_target(f->arg)))
		return false;
	if (!undisturbed && !asks_of_initiator(cpu, f))
		return false;
	op = hook_run(s, cpu, f).op;
	if (undisturbed && is_invisible(c, cpu, &op))
		return true;
	return asks_of_initiator(cpu, f) && op.kind == OP_LOAD && uses_constant(cell_of(op.addr));
}

/* Rule 9. Interrupts are on in all of an initiator's frame but its own flush. */
static bool takes_ipi_at_once(const struct cpu_state *c, unsigned int cpu, const struct frame *f)
{
	if (f->kind != FRAME_INITIATOR || !c->queue || c->nr_buffered)
		return false;
	if (hook_exists(HOOK_FLUSHED))
		return !hook_exists(HOOK_LAGS) &&
		       (f->at == INIT_WAIT ||
			(f->at == INIT_NEXT && f->purge == (cpu + 1) * bounds_now->purges));
	return f->at != INIT_LOCAL && f->at != INIT_LOCAL_FLUSHED;
}

/* Rules 1 to 4 and 9: the verb with which CPU goes on at once; VERBS if it does not. */
static enum verb goes_on(const struct state *s, unsigned int cpu)
{
	const struct cpu_state *c = &s->cpus[cpu];
	const struct frame *f = top_of(c);
	bool drained = !c->nr_buffered;

	if (takes_ipi_at_once(c, cpu, f))
		return ACT_IRQ;
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
	if (top_of(&s->cpus[ACTION_CPU(last)])->hook && hook_goes_on(s, ACTION_CPU(last))) {
		*action = ACTION(ACTION_CPU(last), ACT_STEP);
		return true;
	}
	for (u32 cpu = 0; cpu < nr_model_cpus(); cpu++) {
		enum verb verb = is_private(&s->cpus[cpu], cpu) ? ACT_COMMIT : goes_on(s, cpu);

		if (verb != VERBS) {
			*action = ACTION(cpu, verb);
			return true;
		}
	}
	return false;
}
