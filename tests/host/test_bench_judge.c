// sources: kernel/bench_judge.c
/* SPDX-License-Identifier: MIT */
/*
 * The judge: a result in which all is as it should be passes, and every single deviation that a
 * verdict rests on is called by its name. One line a deviation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/bench.h"

#define FLUSHES	       1000UL
#define PHASE2_FLUSHES 900UL

static struct cpu_result cpus[3];
static struct policy_result result;

static const struct flush_policy deferring = {.name = "deferring", .defers = true};
static const struct flush_policy plain = {.name = "plain"};

/* CPU 0 keeps house, 1 and 2 are isolated; numbers as an honest deferring policy leaves them. */
static void good_deferral(void)
{
	memset(cpus, 0, sizeof(cpus));
	result = (struct policy_result){.name = "p",
					.ran = true,
					.flushes = FLUSHES,
					.phase2_flushes = PHASE2_FLUSHES,
					.cpus = cpus,
					.nr_cpus = 3};
	for (u32 i = 0; i < 3; i++)
		cpus[i] = (struct cpu_result){.cpu = i, .isolated = i > 0};
	for (u32 i = 1; i < 3; i++) {
		struct cpu_result *cpu = &cpus[i];

		cpu->kernel_entries = 1;
		cpu->deferred = FLUSHES;
		cpu->drained = 1;
		cpu->raced_ipis = 100;
		cpu->phase2_callbacks = 100;
		cpu->phase2_deferred = PHASE2_FLUSHES - 100;
		cpu->owed_entries = 600;
		cpu->sent_callbacks = cpu->received_callbacks = 100;
		cpu->sent_ipis = cpu->received_ipis = 90;
		cpu->sent_coalesced = 10;
		cpu->warm = 300;
		cpu->canary_checks = 400;
		cpu->has_gaps = true;
	}
}

/* The same machine under a policy that interrupts everybody. */
static void good_immediate(void)
{
	good_deferral();
	for (u32 i = 1; i < 3; i++) {
		struct cpu_result *cpu = &cpus[i];

		cpu->deferred = cpu->drained = cpu->phase2_deferred = cpu->owed_entries = 0;
		cpu->tlbi_callbacks = FLUSHES;
		cpu->tlbi_ipis = FLUSHES - 5;
		cpu->kernel_entries = cpu->tlbi_ipis + 1;
		cpu->gaps[GAP_FLUSH_IPI].count = cpu->tlbi_ipis;
		cpu->deferrable_ipis = FLUSHES;
		cpu->phase2_callbacks = PHASE2_FLUSHES;
		cpu->raced_ipis = 0;
		cpu->sent_callbacks = cpu->received_callbacks = FLUSHES + PHASE2_FLUSHES;
		cpu->sent_ipis = cpu->received_ipis = cpu->sent_callbacks - 5;
		cpu->sent_coalesced = 5;
	}
}

static void good_ones_pass(void **state)
{
	(void)state;
	good_deferral();
	bench_judge(&deferring, &result);
	assert_string_equal(result.reason, "");
	assert_int_equal(result.verdict, VERDICT_PASS);
	good_immediate();
	bench_judge(&plain, &result);
	assert_string_equal(result.reason, "");
	assert_int_equal(result.verdict, VERDICT_PASS);
}

struct deviation {
	const char *what;
	u64 *field;
	u64 value;
	enum verdict verdict;
	const char *reason; /* a part of it */
};

static const struct deviation of_deferral[] = {
	{"a stale canary", &cpus[2].stale, 1, VERDICT_FAIL, "CPU 2: 1 of 400 canaries"},
	{"a lost flush", &cpus[1].lost, 3, VERDICT_FAIL, "CPU 1: 3 checks"},
	{"lost on housekeeping", &cpus[0].lost, 1, VERDICT_FAIL, "CPU 0: 1 checks"},
	{"a callback not run", &cpus[1].received_callbacks, 99, VERDICT_FAIL, "99 were run"},
	{"an IPI not taken", &cpus[1].received_ipis, 89, VERDICT_FAIL, "89 were taken"},
	{"coalesced do not add up", &cpus[1].sent_coalesced, 9, VERDICT_FAIL, "9 coalesced"},
	{"a stray interrupt", &cpus[1].other_irqs, 1, VERDICT_FAIL, "no flush IPI"},
	{"an unexplained entry", &cpus[1].unexplained, 1, VERDICT_FAIL, "no door recorded"},
	{"one entry too many", &cpus[1].kernel_entries, 2, VERDICT_FAIL, "2 kernel entries"},
	{"no entry", &cpus[1].kernel_entries, 0, VERDICT_FAIL, "0 kernel entries"},
	{"ring 3 saw an exception", &cpus[1].gaps[GAP_EXCEPTION].count, 1, VERDICT_FAIL,
	 "ring 3 saw 1 interruptions"},
	{"an IPI in ring 3", &cpus[2].tlbi_callbacks, 1, VERDICT_FAIL, "in ring 3 all along"},
	{"sent while deferrable", &cpus[2].deferrable_ipis, 1, VERDICT_FAIL, "while it was deferr"},
	{"a flush neither sent nor deferred", &cpus[2].deferred, FLUSHES - 1, VERDICT_FAIL,
	 "999 deferred"},
	{"no drain", &cpus[2].drained, 0, VERDICT_FAIL, "with 0 drains"},
	{"two drains", &cpus[2].drained, 2, VERDICT_FAIL, "with 2 drains"},
	{"phase 2 does not add up", &cpus[2].raced_ipis, 99, VERDICT_FAIL, "99 raced IPIs"},
	{"two owners of an address", &result.corrupted, 1, VERDICT_FAIL, "1 areas did not hold"},
	{"a drain with nothing owed", &cpus[2].spurious_drains, 1, VERDICT_FAIL, "(R9)"},
	{"too few compared", &cpus[2].canary_checks, 199, VERDICT_ERROR, "compared 199 canaries"},
	{"too few owed", &cpus[1].owed_entries, 499, VERDICT_ERROR, "499 times with work owed"},
	{"too few warm", &cpus[1].warm, 199, VERDICT_ERROR, "199 canaries proved warm"},
};

static const struct deviation of_immediate[] = {
	{"a flush without callback", &cpus[1].tlbi_callbacks, FLUSHES - 1, VERDICT_FAIL,
	 "999 flush callbacks"},
	{"the same in phase 2", &cpus[1].phase2_callbacks, PHASE2_FLUSHES - 1, VERDICT_FAIL,
	 "899 flush callbacks"},
	{"ring 3 missed an IPI", &cpus[1].gaps[GAP_FLUSH_IPI].count, 10, VERDICT_FAIL,
	 "ring 3 saw 10"},
	{"stale", &cpus[1].stale, 1, VERDICT_FAIL, "old translation"},
};

static void expect(const struct flush_policy *policy, void (*good)(void),
		   const struct deviation *deviation)
{
	good();
	*deviation->field = deviation->value;
	bench_judge(policy, &result);
	if (result.verdict != deviation->verdict || !strstr(result.reason, deviation->reason))
		fail_msg("%s: verdict %d, \"%s\"", deviation->what, result.verdict, result.reason);
}

static void deviations_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(of_deferral); i++)
		expect(&deferring, good_deferral, &of_deferral[i]);
	for (size_t i = 0; i < ARRAY_SIZE(of_immediate); i++)
		expect(&plain, good_immediate, &of_immediate[i]);
}

static void too_little_work_is_an_error(void **state)
{
	(void)state;
	good_deferral();
	result.flushes = 499;
	cpus[1].deferred = cpus[2].deferred = 499;
	bench_judge(&deferring, &result);
	assert_int_equal(result.verdict, VERDICT_ERROR);
	good_deferral();
	cpus[1].isolated = cpus[2].isolated = false;
	bench_judge(&deferring, &result);
	assert_int_equal(result.verdict, VERDICT_ERROR);
	good_deferral();
	cpus[1].has_gaps = false;
	bench_judge(&deferring, &result);
	assert_int_equal(result.verdict, VERDICT_FAIL);
	good_deferral();
	strcpy(result.reason, "CPU 1: spin: #PF");
	bench_judge(&deferring, &result);
	assert_int_equal(result.verdict, VERDICT_ERROR);
	assert_string_equal(result.reason, "CPU 1: spin: #PF");
	/* What an oracle saw weighs more than the program that died of it. */
	cpus[1].stale = 1;
	bench_judge(&deferring, &result);
	assert_int_equal(result.verdict, VERDICT_FAIL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_pass),
		cmocka_unit_test(deviations_are_named),
		cmocka_unit_test(too_little_work_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
