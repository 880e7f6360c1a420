/* SPDX-License-Identifier: MIT */
/*
 * What targets do: they go in and out of the kernel (entry.asm), take flush IPIs, are struck by
 * NMIs and #MC. And how any CPU's innermost frame goes on; initiators' own steps: initiator.c.
 */
#include "tests/explorer/actors.h"

#include <stdlib.h>
#include <string.h>

#include "tests/explorer/hook.h"
#include "tests/explorer/machine.h"
#include "tests/explorer/model.h"

void (*model_hook_ended)(const struct state *s, unsigned int cpu, const struct frame *f);

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

/* --- Hooks ----------------------------------------------------------------------------------- */

static void hook_ended(struct state *s, unsigned int cpu, struct frame *f, u64 value);

static void answer(struct frame *f, u64 value)
{
	f->history[f->nr_history++] = value;
}

bool actor_settle(struct state *s, unsigned int cpu)
{
	while (top(s, cpu)->hook) {
		struct frame *f = top(s, cpu);
		struct hook_run run = hook_run(s, cpu, f);

		if (run.ended) {
			if (model_hook_ended)
				model_hook_ended(s, cpu, f);
			hook_ended(s, cpu, f, run.value);
		} else if (f->nr_history == MAX_HISTORY) {
			oracle_stuck(s, cpu);
			return false;
		} else if (run.op.kind == OP_DRAIN) {
			answer(f, op_apply(s, cpu, &run.op));
		} else {
			break;
		}
	}
	return true;
}

static void step_hook(struct state *s, unsigned int cpu, struct frame *f)
{
	struct hook_run run = hook_run(s, cpu, f);

	if (f->at == INIT_ASK && f->kind == FRAME_INITIATOR && !f->nr_history)
		initiator_looks(s, f);
	answer(f, op_apply(s, cpu, &run.op));
}

/* --- Interrupts, visits, NMIs ---------------------------------------------------------------- */

static void push_irq(struct state *s, unsigned int cpu)
{
	struct frame *f = push(s, cpu, FRAME_IRQ);

	f->purge = (u8)__builtin_ctz(s->cpus[cpu].queue);
	s->cpus[cpu].queue &= (u8)~BIT(f->purge);
	f->at = IRQ_FLUSH;
}

void actor_take_irq(struct state *s, unsigned int cpu)
{
	struct frame *f = top(s, cpu);

	target_moves(s, cpu);
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

void actor_syscall(struct state *s, unsigned int cpu)
{
	s->cpus[cpu].visits_left--;
	target_moves(s, cpu);
	s->cpus[cpu].recorded_late = false;
	note(s, cpu, "SYSCALL: enter()");
	start_hook(top(s, cpu), HOOK_ENTER, TARGET_ENTER);
}

void actor_leave(struct state *s, unsigned int cpu)
{
	note(s, cpu, "leaves for ring 3: exit()");
	start_hook(top(s, cpu), HOOK_EXIT, TARGET_EXIT);
}

static void end_irq(struct state *s, unsigned int cpu)
{
	struct frame *f;

	s->cpus[cpu].nr_frames--;
	f = top(s, cpu);
	if (s->cpus[cpu].queue)
		push_irq(s, cpu);
	else if (f->kind == FRAME_TARGET && (f->flags & BY_IRQ))
		actor_leave(s, cpu);
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

void actor_struck(struct state *s, unsigned int cpu, enum frame_kind kind)
{
	struct frame *f;

	target_moves(s, cpu);
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
	if (f->kind == FRAME_INITIATOR)
		initiator_hook_ended(s, cpu, f, hook, value);
	else if (f->kind == FRAME_TARGET)
		visit_hook_ended(s, cpu, f);
	else if (f->kind == FRAME_IRQ)
		f->at = IRQ_ANSWER;
	else
		paranoid_hook_ended(s, cpu, f, value);
}

void actor_step(struct state *s, unsigned int cpu)
{
	struct frame *f = top(s, cpu);

	if (f->hook)
		step_hook(s, cpu, f);
	else if (f->kind == FRAME_INITIATOR)
		initiator_step(s, cpu, f);
	else if (f->kind == FRAME_IRQ)
		step_irq(s, cpu, f);
	else
		start_hook(f, HOOK_NMI_EXIT, PARANOID_EXIT);
}
