// sources: kernel/bench_judge.c kernel/run_judge.c kernel/result*.c kernel/format.c
// flags: -Dsnprintf=kernel_snprintf -Dvsnprintf=kernel_vsnprintf
/* SPDX-License-Identifier: MIT */
/*
 * The judges: a result in which all is as it should be passes, and every single deviation that a
 * verdict rests on is called by its name, one line a deviation; a claim excuses what it names and
 * nothing else; and a run is as good as its worst policy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/breaks.h"
#include "kernel/bench.h"

#define FLUSHES	       1000UL
#define PHASE2_FLUSHES 900UL

static struct cpu_result cpus[3];
static struct policy_result result;

/* CPU 0 keeps house, 1 and 2 are isolated; numbers as an honest deferring policy leaves them. */
static void good_deferral(void)
{
	memset(cpus, 0, sizeof(cpus));
	result = (struct policy_result){.name = "p",
					.roots = 1,
					.defers = true,
					.ran = true,
					.nmi_load = true,
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
		cpu->nmis = cpu->nmis_sent = 150;
		cpu->nmi_checks = 140;
		cpu->has_gaps = true;
	}
}

/* The same machine under a policy that interrupts everybody. */
static void good_immediate(void)
{
	good_deferral();
	result.defers = false;
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
	bench_judge(&result);
	assert_string_equal(result.reason, "");
	assert_int_equal(result.verdict, VERDICT_PASS);
	good_immediate();
	bench_judge(&result);
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
	{"stale in an NMI", &cpus[2].nmi_stale, 2, VERDICT_FAIL,
	 "CPU 2: 2 of 140 canaries read an old translation in NMI handlers"},
	{"an NMI not taken", &cpus[2].nmis, 149, VERDICT_FAIL, "150 NMIs were sent, 149 were tak"},
	{"an NMI from elsewhere", &cpus[2].nmis, 151, VERDICT_FAIL, "151 were taken"},
	{"an NMI in phase 1", &cpus[1].gaps[GAP_NMI].count, 1, VERDICT_FAIL,
	 "ring 3 saw 1 interruptions"},
	{"too few compared in NMIs", &cpus[1].nmi_checks, 99, VERDICT_ERROR,
	 "99 canaries in NMI handlers"},
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

static void expect(void (*good)(void), const struct deviation *deviation)
{
	good();
	*deviation->field = deviation->value;
	bench_judge(&result);
	if (result.verdict != deviation->verdict || !strstr(result.reason, deviation->reason))
		fail_msg("%s: verdict %d, \"%s\"", deviation->what, result.verdict, result.reason);
}

static void deviations_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(of_deferral); i++)
		expect(good_deferral, &of_deferral[i]);
	for (size_t i = 0; i < ARRAY_SIZE(of_immediate); i++)
		expect(good_immediate, &of_immediate[i]);
}

static void too_little_work_is_an_error(void **state)
{
	(void)state;
	good_deferral();
	result.flushes = 499;
	cpus[1].deferred = cpus[2].deferred = 499;
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_ERROR);
	good_deferral();
	cpus[1].isolated = cpus[2].isolated = false;
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_ERROR);
	good_deferral();
	cpus[1].has_gaps = false;
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_FAIL);
	good_deferral();
	strcpy(result.reason, "CPU 1: spin: #PF");
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_ERROR);
	assert_string_equal(result.reason, "CPU 1: spin: #PF");
	/* What an oracle saw weighs more than the program that died of it. */
	cpus[1].stale = 1;
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_FAIL);
}

/* Below the floor of warmth, and of NMIs, only where these are asked for. */
static void floors_are_the_modes_own(void **state)
{
	(void)state;
	good_deferral();
	result.roots = 2;
	cpus[1].warm = cpus[2].warm = 0;
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_PASS);
	result.stale_copy = true; /* nothing but a flush cools a canary there */
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_ERROR);
	result.stale_copy = false;
	cpus[1].canary_checks = 199;
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_ERROR);
	good_deferral();
	result.never_stale = true; /* and here they are cool at every entry */
	cpus[1].warm = cpus[2].warm = 0;
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_PASS);
	good_deferral();
	result.nmi_load = false;
	for (u32 i = 1; i < 3; i++)
		cpus[i].nmis = cpus[i].nmis_sent = cpus[i].nmi_checks = 0;
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_PASS);
}

static const struct claim_result n4_stale = {"N4", "nmi", "stale"};
static const struct claim_result n4_lost = {"N4", "nmi", "lost"};
static const struct claim_result n1 = {"N1", "process", "spurious"};
static const struct claim_result n2 = {"N2", "process", "lost"};
static const struct claim_result n2_stale = {"N2", "process", "stale"};

static void claim(const struct claim_result *claim)
{
	result.claims[result.nr_claims++] = *claim;
}

/* Each finding with the claim that covers it, and what is said of it. */
static void claims_excuse_what_they_name(void **state)
{
	static const struct {
		u64 *field[2];
		const struct claim_result *claim;
		const char *reason;
	} cases[] = {
		{{&cpus[2].stale}, &n2_stale, "as claimed: N2 (process, stale) x3"},
		{{&result.corrupted}, &n2_stale, "as claimed: N2 (process, stale) x3"},
		{{&cpus[2].lost}, &n2, "as claimed: N2 (process, lost) x3"},
		{{&cpus[0].lost}, &n2, "as claimed: N2 (process, lost) x3"},
		{{&cpus[1].spurious_drains}, &n1, "as claimed: N1 (process, spurious) x3"},
		{{&cpus[1].nmi_stale}, &n4_stale, "as claimed: N4 (nmi, stale) x3"},
		{{&cpus[1].lost, &cpus[1].lost_in_nmi}, &n4_lost, "as claimed: N4 (nmi, lost) x3"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t j = 0; j <= ARRAY_SIZE(cases); j++) {
			good_deferral();
			for (u32 k = 0; k < 2 && cases[i].field[k]; k++)
				*cases[i].field[k] = 3;
			if (j < ARRAY_SIZE(cases))
				claim(cases[j].claim);
			bench_judge(&result);
			if (j < ARRAY_SIZE(cases) && cases[i].claim == cases[j].claim) {
				assert_int_equal(result.verdict, VERDICT_PASS);
				assert_string_equal(result.reason, cases[i].reason);
			} else {
				assert_int_equal(result.verdict, VERDICT_FAIL);
			}
		}
	}
}

static void claims_add_up(void **state)
{
	(void)state;
	good_deferral();
	claim(&n1);
	claim(&n4_stale);
	claim(&n4_lost);
	cpus[1].nmi_stale = 5;
	cpus[2].nmi_stale = 7;
	cpus[2].lost = cpus[2].lost_in_nmi = 2;
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_PASS);
	assert_string_equal(result.reason, "as claimed: N4 (nmi, stale) x12, N4 (nmi, lost) x2");

	/* One lost flush outside of NMI handlers is nobody's claim. */
	good_deferral();
	claim(&n4_lost);
	cpus[2].lost = 3;
	cpus[2].lost_in_nmi = 2;
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_FAIL);
	assert_non_null(strstr(result.reason, "CPU 2: 1 checks found"));

	/* A claim is no promise to misbehave, and no excuse for anything but its finding. */
	good_deferral();
	claim(&n4_stale);
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_PASS);
	assert_string_equal(result.reason, "");
	cpus[1].nmi_stale = 1;
	cpus[1].received_ipis--;
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_FAIL);
}

static void eager_ones_promise_nothing_about_drains(void **state)
{
	(void)state;
	good_deferral();
	result.eager = true;
	cpus[1].spurious_drains = 400;
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_PASS);
	assert_string_equal(result.reason, "");

	/* One that flushes elsewhere drains nothing at all: its entries are counted as they are. */
	cpus[1].drained = cpus[1].owed_entries = 0;
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_ERROR);
	result.reason[0] = '\0';
	cpus[1].phase2_entries = 500;
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_PASS);
}

static void broadcasts_ask_nothing(void **state)
{
	(void)state;
	good_deferral();
	result.defers = false;
	result.broadcast = true;
	for (u32 i = 1; i < 3; i++) {
		cpus[i].drained = cpus[i].phase2_callbacks = 0;
		cpus[i].sent_callbacks = cpus[i].received_callbacks = 0;
		cpus[i].sent_ipis = cpus[i].received_ipis = cpus[i].sent_coalesced = 0;
		cpus[i].owed_entries = 0;
	}
	bench_judge(&result);
	assert_string_equal(result.reason, "");
	assert_int_equal(result.verdict, VERDICT_PASS);
	cpus[1].phase2_drained = 1;
	bench_judge(&result);
	assert_int_equal(result.verdict, VERDICT_FAIL);
}

/* --- The run ------------------------------------------------------------------------------------
 */

static const enum verdict skip = VERDICT_NONE;

static u32 failed;   /* CPUs that did not come up */
static bool claimed; /* each policy has something to say, as under defect= */

static void expect_run(const enum verdict *verdicts, u32 nr, const char *broken_words, u32 bits,
		       enum verdict verdict, const char *reason)
{
	struct policy_result policies[4] = {0};
	struct run_result run = {.policies = policies, .nr_policies = nr};

	run.parameters.broken = broken_words;
	run.machine.cpus_found = 4;
	run.machine.cpus_started = bits & BREAK_AP ? 3 : 4;
	run.machine.cpus_failed = bits & BREAK_AP ? 1 : failed;
	for (u32 i = 0; i < nr; i++) {
		policies[i].name = i % 2 ? "odd" : "even";
		policies[i].roots = i < 2 ? 1 : 2;
		policies[i].verdict = verdicts[i];
		policies[i].ran = verdicts[i] != skip;
		if (verdicts[i] != VERDICT_PASS || claimed)
			snprintf(policies[i].reason, sizeof(policies[i].reason), "reason %u", i);
	}
	run_judge(&run, bits, claimed);
	assert_int_equal(run.verdict, verdict);
	assert_string_equal(run.reason, reason);
}

static void a_run_is_its_worst_policy(void **state)
{
	const enum verdict pass = VERDICT_PASS, fail = VERDICT_FAIL, error = VERDICT_ERROR;
	const enum verdict good[] = {pass, pass, pass, pass};
	const enum verdict one_error[] = {pass, error, pass};
	const enum verdict both[] = {pass, error, fail, pass};
	const enum verdict two_roots[] = {pass, pass, pass, fail};
	const enum verdict skipped[] = {pass, VERDICT_NONE};
	const enum verdict only_skips[] = {VERDICT_NONE, VERDICT_NONE};
	const enum verdict skip_and_error[] = {VERDICT_NONE, error};

	(void)state;
	expect_run(good, 4, "", 0, pass, "");
	expect_run(one_error, 3, "", 0, error, "odd: reason 1");
	expect_run(both, 4, "", 0, fail, "even with two roots: reason 2");
	expect_run(two_roots, 4, "", 0, fail, "odd with two roots: reason 3");
	expect_run(skipped, 2, "", 0, pass, "");
	expect_run(only_skips, 2, "", 0, error, "no policy was run");
	expect_run(only_skips, 0, "", 0, error, "no policy was run");
	expect_run(skip_and_error, 2, "", 0, error, "odd: reason 1");
	expect_run(good, 4, "break=drain", BREAK_DRAIN, error, "break=drain was not convicted");
	expect_run(both, 4, "break=drain", BREAK_DRAIN, fail, "even with two roots: reason 2");
	expect_run(good, 4, "break=ap", BREAK_AP, fail, "1 of 4 CPUs did not come up");
	failed = 2;
	expect_run(good, 4, "", 0, error, "2 of 4 CPUs did not come up");
	expect_run(both, 4, "", 0, fail, "even with two roots: reason 2");
	failed = 0;
	expect_run(good, 4, "defect=N1", 0, error, "defect=N1 was not convicted");
	claimed = true;
	expect_run(good, 4, "defect=N1", 0, fail, "even: reason 0");
	claimed = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_pass),
		cmocka_unit_test(deviations_are_named),
		cmocka_unit_test(too_little_work_is_an_error),
		cmocka_unit_test(floors_are_the_modes_own),
		cmocka_unit_test(claims_excuse_what_they_name),
		cmocka_unit_test(claims_add_up),
		cmocka_unit_test(eager_ones_promise_nothing_about_drains),
		cmocka_unit_test(broadcasts_ask_nothing),
		cmocka_unit_test(a_run_is_its_worst_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
