// sources: kernel/hostile_verdict.c kernel/format.c kernel/parse.c
/* SPDX-License-Identifier: MIT */
/*
 * Every field that an operation of run=hostile is judged by is one that can convict: an end that
 * fits is changed in one field at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/hostile_verdict.h"

/* arch/x86_64/traps.c's, as far as it is asked here. */
const char *vector_name(u64 vector);

const char *vector_name(u64 vector)
{
	return vector == 14 ? "#PF page fault" : "#GP general protection";
}

static struct hostile_op op;
static struct task task;
static struct hostile_page page;
static char what[320];

static enum hostile_end judge(enum outcome outcome)
{
	return hostile_verdict(&op, outcome, &task, &page, what, sizeof(what));
}

/* A page fault as it was expected. */
static void fault_that_fits(void)
{
	op = (struct hostile_op){.expect = {.outcome = OUTCOME_FAULT,
					    .judged = JUDGE_RIP | JUDGE_ADDRESS,
					    .vector = 14,
					    .error = 5,
					    .error_mask = ~0U,
					    .rip = 0x1000,
					    .address = 0x2000}};
	task = (struct task){.excepted = true, .exception = {14, 5, 0x1000, 0x2000}};
	snprintf(task.fault, sizeof(task.fault), "#PF page fault at 1000");
}

static void faults(void **state)
{
	u64 *fields[] = {&task.exception.vector, &task.exception.error_code, &task.exception.rip,
			 &task.exception.address};

	(void)state;
	fault_that_fits();
	assert_int_equal(judge(OUTCOME_FAULT), END_AS_DUE);
	assert_int_equal(judge(OUTCOME_DONE), END_WRONG);
	assert_int_equal(judge(OUTCOME_TIMER), END_WRONG);
	assert_int_equal(judge(OUTCOME_EXIT), END_WRONG);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		fault_that_fits();
		*fields[i] += 1;
		assert_int_equal(judge(OUTCOME_FAULT), END_WRONG);
		assert_non_null(strstr(what, "expected #PF page fault, error 5, at 1000"));
	}
	fault_that_fits();
	task.fault[1] = 'X'; /* the task was told something else */
	assert_int_equal(judge(OUTCOME_FAULT), END_WRONG);
}

static void what_is_not_known_is_not_judged(void **state)
{
	(void)state;
	fault_that_fits();
	op.expect.error_mask = ~1U;
	op.expect.judged = 0;
	task.exception = (struct task_fault){14, 4, 7, 7};
	assert_int_equal(judge(OUTCOME_FAULT), END_AS_DUE);
	task.exception.error_code = 7;
	assert_int_equal(judge(OUTCOME_FAULT), END_WRONG);
}

static void return_that_fits(void)
{
	op = (struct hostile_op){.rsp = 99,
				 .expect = {.outcome = OUTCOME_DONE,
					    .judged = JUDGE_RAX | JUDGE_FLAGS | JUDGE_REGS,
					    .rax = 1,
					    .flags = 0x202,
					    .changes = BIT(REG_RAX) | BIT(REG_RCX) | BIT(REG_R11)}};
	task = (struct task){.exit_code = HOSTILE_DONE};
	page = (struct hostile_page){.after_rsp = 99, .after_rflags = 0x202};
	for (u32 i = 0; i < HOSTILE_REGS; i++)
		op.regs[i] = page.after[i] = i + 50;
	page.after[REG_RAX] = 1;
}

static void returns(void **state)
{
	(void)state;
	return_that_fits();
	assert_int_equal(judge(OUTCOME_DONE), END_AS_DUE);
	assert_int_equal(judge(OUTCOME_FAULT), END_WRONG);
	for (u32 i = 0; i < HOSTILE_REGS; i++) {
		bool free_to_change = i == REG_RCX || i == REG_R11;

		return_that_fits();
		page.after[i]++;
		assert_int_equal(judge(OUTCOME_DONE), free_to_change ? END_AS_DUE : END_WRONG);
	}
	return_that_fits();
	page.after_rsp++;
	assert_int_equal(judge(OUTCOME_DONE), END_WRONG);
	return_that_fits();
	page.after_rflags |= 0x1000;
	assert_int_equal(judge(OUTCOME_DONE), END_WRONG);
	assert_non_null(strstr(what, "RFLAGS are 1202, not 202"));
}

static void exits(void **state)
{
	(void)state;
	op = (struct hostile_op){.expect = {.outcome = OUTCOME_EXIT, .code = 7}};
	task = (struct task){.exit_code = 7};
	assert_int_equal(judge(OUTCOME_EXIT), END_AS_DUE);
	task.exit_code = 8;
	assert_int_equal(judge(OUTCOME_EXIT), END_WRONG);
	task.exit_code = 7;
	task.fault[0] = 'i'; /* its report could not be read, though it should have been */
	assert_int_equal(judge(OUTCOME_EXIT), END_WRONG);
	op.expect.complaint = true;
	assert_int_equal(judge(OUTCOME_EXIT), END_AS_DUE);
}

/* What an emulator is known to do is told apart from both. */
static void deviations(void **state)
{
	(void)state;
	fault_that_fits();
	op.deviation = (struct expectation){.outcome = OUTCOME_DONE};
	assert_int_equal(judge(OUTCOME_DONE), END_WRONG);
	op.deviates = true;
	assert_int_equal(judge(OUTCOME_DONE), END_DEVIATES);
	assert_int_equal(judge(OUTCOME_FAULT), END_AS_DUE);
	assert_int_equal(judge(OUTCOME_EXIT), END_WRONG);
	op.expect.outcome = OUTCOME_ANY;
	assert_int_equal(judge(OUTCOME_EXIT), END_AS_DUE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults),     cmocka_unit_test(what_is_not_known_is_not_judged),
		cmocka_unit_test(returns),    cmocka_unit_test(exits),
		cmocka_unit_test(deviations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
