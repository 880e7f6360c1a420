/* SPDX-License-Identifier: MIT */
/*
 * An operation's end against its expectation, see hostile_verdict.h.
 */
#include "kernel/hostile_verdict.h"

#include "arch/x86_64/string.h"
#include "arch/x86_64/traps.h"
#include "kernel/format.h"
#include "kernel/parse.h"

static const char *const outcome_words[OUTCOMES] = {"an exception", "that it comes back",
						    "an exit of its own", "the timer", "any end"};

static void add_exception(struct text *text, u64 vector, u64 error, u64 rip, u64 address)
{
	text_add(text, "%s, error %lx, at %lx, address %lx", vector_name(vector), error, rip,
		 address);
}

static void add_expected(struct text *text, const struct expectation *e)
{
	text_add(text, "expected ");
	if (e->outcome == OUTCOME_FAULT)
		add_exception(text, e->vector, e->error, e->rip, e->address);
	else
		text_add(text, "%s", outcome_words[e->outcome]);
}

static void add_seen(struct text *text, enum outcome outcome, const struct task *task)
{
	text_add(text, "; came ");
	if (outcome == OUTCOME_FAULT)
		add_exception(text, task->exception.vector, task->exception.error_code,
			      task->exception.rip, task->exception.address);
	else if (outcome == OUTCOME_EXIT)
		text_add(text, "an exit with %lx, \"%s\"", task->exit_code, task->fault);
	else
		text_add(text, "%s", outcome_words[outcome]);
}

/* The task was told why it was ended, in words. */
static bool reason_is_given(const struct task *task)
{
	const char *name = vector_name(task->exception.vector);

	return strncmp(task->fault, name, strlen(name)) == 0;
}

static bool exception_fits(const struct expectation *e, const struct task *task)
{
	const struct task_fault *seen = &task->exception;

	return seen->vector == e->vector && !((seen->error_code ^ e->error) & e->error_mask) &&
	       (!(e->judged & JUDGE_RIP) || seen->rip == e->rip) &&
	       (!(e->judged & JUDGE_ADDRESS) || seen->address == e->address) &&
	       reason_is_given(task);
}

/* What a register that had to stay has become; false if all are as they must be. */
static bool register_lost(const struct hostile_op *op, const struct expectation *e,
			  const struct hostile_page *page, struct text *text)
{
	if ((e->judged & JUDGE_RAX) && page->after[REG_RAX] != e->rax) {
		text_add(text, "it returned %lx, not %lx", page->after[REG_RAX], e->rax);
		return true;
	}
	if ((e->judged & JUDGE_FLAGS) && page->after_rflags != e->flags) {
		text_add(text, "RFLAGS are %lx, not %lx", page->after_rflags, e->flags);
		return true;
	}
	if (!(e->judged & JUDGE_REGS))
		return false;
	for (u32 i = 0; i < HOSTILE_REGS; i++) {
		if ((e->changes & BIT(i)) || page->after[i] == op->regs[i])
			continue;
		text_add(text, "register %u is %lx, not %lx", i, page->after[i], op->regs[i]);
		return true;
	}
	if (page->after_rsp == op->rsp)
		return false;
	text_add(text, "RSP is %lx, not %lx", page->after_rsp, op->rsp);
	return true;
}

static bool fits(const struct hostile_op *op, const struct expectation *e, enum outcome outcome,
		 const struct task *task, const struct hostile_page *page, struct text *text)
{
	if (e->outcome == OUTCOME_ANY)
		return true;
	if (e->outcome != outcome)
		return false;
	switch (outcome) {
	case OUTCOME_FAULT:
		return exception_fits(e, task);
	case OUTCOME_DONE:
		return !register_lost(op, e, page, text);
	case OUTCOME_EXIT:
		return task->exit_code == e->code && !task->fault[0] == !e->complaint;
	default:
		return true;
	}
}

enum hostile_end hostile_verdict(const struct hostile_op *op, enum outcome outcome,
				 const struct task *task, const struct hostile_page *page,
				 char *what, size_t size)
{
	struct text text = text_in(what, size);

	if (fits(op, &op->expect, outcome, task, page, &text))
		return END_AS_DUE;
	if (text.used)
		return END_WRONG;
	if (op->deviates && fits(op, &op->deviation, outcome, task, page, &text))
		return END_DEVIATES;
	add_expected(&text, &op->expect);
	add_seen(&text, outcome, task);
	return END_WRONG;
}
