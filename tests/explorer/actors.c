/* SPDX-License-Identifier: MIT */
/*
 * What the CPUs do: initiators purge (mm/tlbflush.c, arch/x86_64/smp_call.c), targets go in and out
 * of the kernel (entry.asm), NMIs and #MC strike them. Each CPU has a stack of frames; the
 * innermost one goes on. A frame with a hook is in the middle of it.
 *
 * When a hook has ended its frame moves on in the same action: nobody could tell the difference.
 */
#include "tests/explorer/actors.h"

#include <stdlib.h>
#include <string.h>

#include "tests/explorer/hook.h"
#include "tests/explorer/machine.h"
#include "tests/explorer/model.h"

void (*model_note)(unsigned int cpu, bool nmi, const char *text);
void (*model_hook_ended)(const struct state *s, unsigned int cpu, const struct frame *f);

static bool stuck;

static struct frame *top(struct state *s, unsigned int cpu)
{
	return &s->cpus[cpu].frames[s->cpus[cpu].nr_frames - 1];
}

static const struct frame *top_of(const struct cpu_state *c)
{
	return &c->frames[c->nr_frames - 1];
}

static struct frame *push(struct state *s, unsigned int cpu, enum frame_kind kind)
{
	struct cpu_state *c = &s->cpus[cpu];
	struct frame *f = &c->frames[c->nr_frames++];

	*f = (struct frame){.kind = (u8)kind};
	return f;
}

bool in_kernel_zone(const struct cpu_state *cpu, enum context *context)
{
	const struct frame *f = top_of(cpu);

	*context = in_paranoid_door(cpu) ? CONTEXT_NMI : CONTEXT_PROCESS;
	if (f->kind == FRAME_TARGET)
		return f->at == TARGET_KERNEL;
	if (f->kind >= FRAME_NMI)
		return f->at == PARANOID_HANDLER;
	return true;
}

bool is_asked_about(const struct state *s, unsigned int cpu)
{
	for (u32 i = 0; i < bounds_now->initiators; i++) {
		const struct frame *f = &s->cpus[i].frames[0];

		if (f->at == INIT_BEGIN || (f->at == INIT_ASK && f->arg == cpu))
			return true;
	}
	return false;
}

/* --- Hooks ----------------------------------------------------------------------------------- */

static void hook_ended(struct state *s, unsigned int cpu, struct frame *f, u64 value);

static void start_hook(struct frame *f, enum hook hook, u8 at)
{
	f->hook = (u8)hook;
	f->at = at;
	f->nr_history = 0;
}

static void answer(struct state *s, unsigned int cpu, struct frame *f, u64 value)
{
	if (f->nr_history == MAX_HISTORY) {
		oracle_stuck(s, cpu);
		stuck = true;
		return;
	}
	f->history[f->nr_history++] = value;
}

/* Brings CPU to its next operation, or to a point between hooks. */
static void settle(struct state *s, unsigned int cpu)
{
	while (!stuck && top(s, cpu)->hook) {
		struct frame *f = top(s, cpu);
		struct hook_run run = hook_run(s, cpu, f);

		if (run.ended) {
			if (model_hook_ended)
				model_hook_ended(s, cpu, f);
			hook_ended(s, cpu, f, run.value);
		} else if (run.op.kind == OP_DRAIN) {
			answer(s, cpu, f, op_apply(s, cpu, &run.op));
		} else {
			return;
		}
	}
}

static void step_hook(struct state *s, unsigned int cpu, struct frame *f)
{
	struct hook_run run = hook_run(s, cpu, f);

	answer(s, cpu, f, op_apply(s, cpu, &run.op));
}

/* --- Initiators ------------------------------------------------------------------------------ */

static bool asks_policy(const struct state *s, const struct frame *f)
{
	return s->purges[f->purge].kind != PURGE_TABLE || bounds_now->tables_deferred;
}

/* The target has not moved since it was asked about, and its word can be seen by everyone. */
static bool is_quiet(const struct cpu_state *c)
{
	return c->nr_frames == 1 && c->frames[0].kind == FRAME_TARGET &&
	       c->frames[0].at == TARGET_RING3 && !c->nr_buffered;
}

static void moves(struct state *s, unsigned int cpu)
{
	for (u32 i = 0; i < bounds_now->initiators; i++)
		if (s->cpus[i].frames[0].arg == cpu)
			s->cpus[i].frames[0].flags &= (u8)~QUIET;
}

static void ask(struct state *s, unsigned int cpu, struct frame *f)
{
	if (f->arg == cpu)
		note(s, cpu, "asks the policy about itself");
	else
		note(s, cpu, "asks the policy about CPU %u", f->arg);
	if (is_quiet(&s->cpus[f->arg]))
		f->flags |= QUIET;
	else
		f->flags &= (u8)~QUIET;
	start_hook(f, HOOK_NEED_IPI, INIT_ASK);
}

static void request(struct state *s, unsigned int cpu, struct frame *f);

/* The CPUs in order, the own one last (on_each_cpu_cond()); ARG is the one that is done. */
static void next_cpu(struct state *s, unsigned int cpu, struct frame *f, bool first)
{
	u8 next = first ? 0 : f->arg + 1;

	if (!first && f->arg == cpu)
		next = (u8)nr_model_cpus();
	else if (next == cpu)
		next++;
	if (next < nr_model_cpus()) {
		f->arg = next;
	} else if (first || f->arg != cpu) {
		f->arg = (u8)cpu;
	} else {
		f->at = f->flags & SELF_NEEDS ? INIT_LOCAL : INIT_WAIT;
		return;
	}
	if (asks_policy(s, f))
		ask(s, cpu, f);
	else
		request(s, cpu, f);
}

/* One CMPXCHG pushes the item: the buffer has to be empty. */
static void request(struct state *s, unsigned int cpu, struct frame *f)
{
	if (f->arg == cpu) {
		f->flags |= SELF_NEEDS;
		next_cpu(s, cpu, f, false);
		return;
	}
	f->at = INIT_REQUEST;
	if (s->cpus[cpu].nr_buffered)
		return;
	s->cpus[f->arg].queue |= (u8)BIT(f->purge);
	s->purges[f->purge].waiting |= (u8)BIT(f->arg);
	note(s, cpu, "sends CPU %u the flush IPI", f->arg);
	next_cpu(s, cpu, f, false);
}

/* Work for C may have been recorded. */
static void record(struct cpu_state *c)
{
	c->recorded = true;
	if (c->nr_frames > 1 || c->frames[0].hook == HOOK_ENTER)
		c->recorded_late = true;
}

static void answered(struct state *s, unsigned int cpu, struct frame *f, bool ipi)
{
	if (f->arg != cpu)
		note(s, cpu, ipi ? "answer: CPU %u needs the IPI" : "answer: CPU %u is deferred",
		     f->arg);
	oracle_answered(s, cpu, ipi);
	if (ipi) {
		request(s, cpu, f);
		return;
	}
	record(&s->cpus[f->arg]);
	next_cpu(s, cpu, f, false);
}

static void begin_purge(struct state *s, unsigned int cpu, struct frame *f, enum purge_kind kind)
{
	static const char *const what[] = {"of one page", "of everything", "of a page table"};

	s->purges[f->purge].kind = (u8)kind;
	buffer_pte_clear(s, cpu, f->purge);
	f->at = INIT_ISSUE;
	f->flags = 0;
	note(s, cpu, "purge %u, %s: clears the PTE (in its store buffer)", f->purge + 1,
	     what[kind]);
}

static void issue(struct state *s, unsigned int cpu, struct frame *f)
{
	s->purges[f->purge].generation = ++s->nr_issued;
	s->issued |= (u8)BIT(f->purge);
	note(s, cpu, "purge %u gets its number (LOCKed)", f->purge + 1);
	if (asks_policy(s, f) && hook_exists(HOOK_BEGIN))
		start_hook(f, HOOK_BEGIN, INIT_BEGIN);
	else
		next_cpu(s, cpu, f, true);
}

static void began(struct state *s, unsigned int cpu, struct frame *f, u64 ticket)
{
	s->purges[f->purge].ticket = ticket;
	for (u32 i = 0; i < nr_model_cpus(); i++)
		record(&s->cpus[i]);
	next_cpu(s, cpu, f, true);
}

static void next_lag(struct state *s, unsigned int cpu, struct frame *f, bool first)
{
	f->arg = first ? 0 : f->arg + 1;
	if (f->arg < nr_model_cpus()) {
		start_hook(f, HOOK_LAGS, INIT_LAGS);
		return;
	}
	if (!(f->flags & SOMEONE_LAGS)) {
		s->released |= (u8)BIT(f->purge);
		note(s, cpu, "purge %u: nobody lags, its addresses are free", f->purge + 1);
	}
	f->purge++;
	f->at = INIT_NEXT;
}

static void complete(struct state *s, unsigned int cpu, struct frame *f)
{
	s->completed |= (u8)BIT(f->purge);
	note(s, cpu, "purge %u is over: its addresses may be used anew", f->purge + 1);
	if (hook_exists(HOOK_LAGS)) {
		next_lag(s, cpu, f, true);
		return;
	}
	s->released |= (u8)BIT(f->purge);
	f->purge++;
	f->at = INIT_NEXT;
}

static void flush_locally(struct state *s, unsigned int cpu, struct frame *f)
{
	tlb_flush_for(s, cpu, f->purge);
	note(s, cpu, "flushes its own TLB for purge %u", f->purge + 1);
	if (hook_exists(HOOK_FLUSHED))
		start_hook(f, HOOK_FLUSHED, INIT_LOCAL_FLUSHED);
	else
		f->at = INIT_WAIT;
}

static void step_initiator(struct state *s, unsigned int cpu, struct frame *f)
{
	switch (f->at) {
	case INIT_ISSUE:
		issue(s, cpu, f);
		break;
	case INIT_REQUEST:
		request(s, cpu, f);
		break;
	case INIT_LOCAL:
		flush_locally(s, cpu, f);
		break;
	case INIT_WAIT:
		complete(s, cpu, f);
		break;
	default:
		abort();
	}
}

/* --- Interrupts, visits, NMIs ---------------------------------------------------------------- */

static void push_irq(struct state *s, unsigned int cpu)
{
	struct frame *f = push(s, cpu, FRAME_IRQ);

	f->purge = (u8)__builtin_ctz(s->cpus[cpu].queue);
	s->cpus[cpu].queue &= (u8)~BIT(f->purge);
	f->at = IRQ_FLUSH;
}

static void deliver_irq(struct state *s, unsigned int cpu)
{
	struct frame *f = top(s, cpu);

	moves(s, cpu);
	if (f->kind == FRAME_TARGET && f->at == TARGET_RING3) {
		s->cpus[cpu].recorded_late = false;
		note(s, cpu, "the IPI strikes in ring 3: enter()");
		f->flags = BY_IRQ;
		start_hook(f, HOOK_ENTER, TARGET_ENTER);
		return;
	}
	note(s, cpu, "the IPI strikes in the kernel");
	push_irq(s, cpu);
}

static void leave_kernel(struct state *s, unsigned int cpu, struct frame *f)
{
	note(s, cpu, "leaves for ring 3: exit()");
	start_hook(f, HOOK_EXIT, TARGET_EXIT);
}

static void end_irq(struct state *s, unsigned int cpu)
{
	struct frame *f;

	s->cpus[cpu].nr_frames--;
	f = top(s, cpu);
	if (s->cpus[cpu].queue)
		push_irq(s, cpu);
	else if (f->kind == FRAME_TARGET && (f->flags & BY_IRQ))
		leave_kernel(s, cpu, f);
}

static void step_irq(struct state *s, unsigned int cpu, struct frame *f)
{
	if (f->at == IRQ_FLUSH) {
		tlb_flush_for(s, cpu, f->purge);
		note(s, cpu, "flushes for purge %u", f->purge + 1);
		if (hook_exists(HOOK_FLUSHED))
			start_hook(f, HOOK_FLUSHED, IRQ_FLUSHED);
		else
			f->at = IRQ_ANSWER;
		return;
	}
	s->purges[f->purge].waiting &= (u8)~BIT(cpu);
	note(s, cpu, "answers to purge %u", f->purge + 1);
	end_irq(s, cpu);
}

static void strike(struct state *s, unsigned int cpu, enum frame_kind kind)
{
	struct frame *f;

	moves(s, cpu);
	f = push(s, cpu, kind);
	note(s, cpu, "%s strikes: nmi_enter()", kind == FRAME_NMI ? "an NMI" : "#MC (or #DB)");
	start_hook(f, HOOK_NMI_ENTER, PARANOID_ENTER);
	if (kind == FRAME_NMI)
		s->nmis_left--;
	else
		s->mcs_left--;
}

/* --- What follows a hook --------------------------------------------------------------------- */

static void visit_hook_ended(struct state *s, unsigned int cpu, struct frame *f)
{
	if (f->at == TARGET_EXIT) {
		f->at = TARGET_RING3;
		f->flags = 0;
		note(s, cpu, "is in ring 3");
		return;
	}
	f->at = TARGET_KERNEL;
	note(s, cpu, "is in the kernel, may touch anything");
	if (f->flags & BY_IRQ)
		push_irq(s, cpu);
}

static void paranoid_hook_ended(struct state *s, unsigned int cpu, struct frame *f, u64 value)
{
	if (f->at == PARANOID_EXIT) {
		note(s, cpu, "returns to what it struck");
		s->cpus[cpu].nr_frames--;
		return;
	}
	f->at = PARANOID_HANDLER;
	f->saved = value;
	note(s, cpu, "its handler runs, may touch anything");
}

static void hook_ended(struct state *s, unsigned int cpu, struct frame *f, u64 value)
{
	enum hook hook = f->hook;

	f->hook = HOOK_NONE;
	f->nr_history = 0;
	switch (hook) {
	case HOOK_BEGIN:
		began(s, cpu, f, value);
		break;
	case HOOK_NEED_IPI:
		answered(s, cpu, f, value);
		break;
	case HOOK_FLUSHED:
		f->at = f->kind == FRAME_IRQ ? (u8)IRQ_ANSWER : (u8)INIT_WAIT;
		break;
	case HOOK_LAGS:
		if (value)
			f->flags |= SOMEONE_LAGS;
		next_lag(s, cpu, f, false);
		break;
	case HOOK_ENTER:
	case HOOK_EXIT:
		visit_hook_ended(s, cpu, f);
		break;
	case HOOK_NMI_ENTER:
	case HOOK_NMI_EXIT:
		paranoid_hook_ended(s, cpu, f, value);
		break;
	default:
		abort();
	}
}

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

static bool hook_can_step(const struct state *s, unsigned int cpu, const struct frame *f)
{
	const struct cpu_state *c = &s->cpus[cpu];
	struct hook_run run = hook_run(s, cpu, f);

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
			verb = hook_can_step(s, cpu, f) ? ACT_STEP : VERBS;
		else
			verb = next_verb(s, cpu, f);
		if (verb != VERBS)
			actions[nr++] = ACTION(cpu, verb);
		if (f->kind == FRAME_INITIATOR && f->at == INIT_NEXT &&
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

static void step_frame(struct state *s, unsigned int cpu, struct frame *f)
{
	if (f->hook)
		step_hook(s, cpu, f);
	else if (f->kind == FRAME_INITIATOR)
		step_initiator(s, cpu, f);
	else if (f->kind == FRAME_IRQ)
		step_irq(s, cpu, f);
	else
		start_hook(f, HOOK_NMI_EXIT, PARANOID_EXIT);
}

bool model_apply(struct state *s, u8 action)
{
	unsigned int cpu = ACTION_CPU(action);
	struct frame *f = top(s, cpu);

	stuck = false;
	switch ((enum verb)ACTION_VERB(action)) {
	case ACT_STEP:
		step_frame(s, cpu, f);
		break;
	case ACT_COMMIT:
		buffer_commit(s, cpu);
		break;
	case ACT_RANGED:
		begin_purge(s, cpu, f, PURGE_RANGED);
		break;
	case ACT_FULL:
		begin_purge(s, cpu, f, PURGE_FULL);
		break;
	case ACT_TABLE:
		begin_purge(s, cpu, f, PURGE_TABLE);
		break;
	case ACT_SYSCALL:
		s->cpus[cpu].visits_left--;
		moves(s, cpu);
		s->cpus[cpu].recorded_late = false;
		note(s, cpu, "SYSCALL: enter()");
		start_hook(f, HOOK_ENTER, TARGET_ENTER);
		break;
	case ACT_LEAVE:
		leave_kernel(s, cpu, f);
		break;
	case ACT_IRQ:
		deliver_irq(s, cpu);
		break;
	case ACT_NMI:
		strike(s, cpu, FRAME_NMI);
		break;
	case ACT_MC:
		strike(s, cpu, FRAME_MC);
		break;
	case VERBS:
		abort();
	}
	settle(s, cpu);
	tlb_fill_all(s);
	oracles_check(s);
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
