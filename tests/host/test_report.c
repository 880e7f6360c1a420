// sources: kernel/report*.c kernel/json.c kernel/result*.c kernel/format.c tests/host/sample*.c
// flags: -Dsnprintf=kernel_snprintf -Dvsnprintf=kernel_vsnprintf
/* SPDX-License-Identifier: MIT */
/*
 * The text report: the samples against the texts in tests/host/golden/, which were read and found
 * right, and random results against what holds for any: at most 100 columns of ASCII, one call a
 * line, one verdict line and that one last.
 *
 * `test_report print SAMPLE` prints one: that is how the texts are made anew after a change of the
 * layout, to be read before they are committed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/report.h"
#include "kernel/result_words.h"
#include "tests/host/sample_result.h"

static char text[262144];
static size_t used;

static void keep(const char *s, size_t n)
{
	assert_true(used + n < sizeof(text));
	assert_in_range(n, 1, 101);
	assert_int_equal(s[n - 1], '\n');
	for (size_t i = 0; i + 1 < n; i++)
		assert_in_range(s[i], ' ', '~');
	assert_true(n == 1 || s[n - 2] != ' ');
	memcpy(text + used, s, n);
	used += n;
	text[used] = '\0';
}

static void print(struct run_result *run)
{
	used = 0;
	report_print(run, keep);
	sample_free(run);
}

/* How often WORD is in the text of the last report. */
static unsigned count(const char *word)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, word)); p += strlen(word))
		n++;
	return n;
}

static const char *last_line(void)
{
	const char *p = text + used - 1;

	while (p > text && p[-1] != '\n')
		p--;
	return p;
}

static void samples_are_as_they_were_read(void **state)
{
	static const char *const names[] = {"comparison", "findings", "all_policies",
					    "many_cpus",  "nothing",  "maxima"};
	static char expected[sizeof(text)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[100];
		FILE *file;
		size_t n;

		print(sample_by_name(names[i]));
		strcat(strcat(strcpy(path, "tests/host/golden/report_"), names[i]), ".txt");
		file = fopen(path, "rb");
		if (!file)
			fail_msg("%s: not there; host tests run from the root of the repository",
				 path);
		n = fread(expected, 1, sizeof(expected) - 1, file);
		fclose(file);
		expected[n] = '\0';
		if (strcmp(text, expected))
			fail_msg("differs from %s:\n%s", path, text);
	}
}

static void any_result_fits(void **state)
{
	(void)state;
	for (long seed = 0; seed < 1000; seed++) {
		print(sample_random(seed));
		assert_int_equal(count("\nverdict: "), 1);
		assert_memory_equal(last_line(), "verdict: ", 9);
	}
}

/* The verdicts on 26 rows and what they rest on are what a screen of 128x48 must still show. */
static void the_verdicts_of_all_policies_fit_a_screen(void **state)
{
	struct run_result *run = sample_maxima();
	unsigned nr_lines = 0;

	(void)state;
	run->nr_policies = 26;
	run->reason[0] = '\0';
	for (u32 i = 0; i < run->nr_policies; i++)
		run->policies[i].reason[0] = '\0';
	print(run);
	for (const char *p = strstr(text, " Findings "); *p; p++)
		nr_lines += *p == '\n';
	assert_in_range(nr_lines, 26, 47);
}

/* A policy's own tables: of one or two unasked, of more only if asked for. */
static void many_policies_have_no_tables_of_their_own(void **state)
{
	(void)state;
	for (u32 nr = 1; nr < 5; nr++) {
		for (int detail = 0; detail < 2; detail++) {
			struct run_result *run = sample_all_policies();

			run->nr_policies = nr;
			run->detail = detail;
			print(run);
			assert_int_equal(count("Kernel TLBI Noise: "), detail || nr < 3 ? nr : 0);
			assert_int_equal(count("\nPolicy "), 3);
		}
	}
}

/* What a table cannot say stands below it. */
static void notes_tell_what_was_not_tried(void **state)
{
	struct run_result *run = sample_all_policies();

	(void)state;
	print(run);
	assert_int_equal(count("\nStale n/a: "), 1);
	assert_int_equal(count("\nNMI load off: state-bits (N4), state-bits with two roots (N4)\n"),
			 1);
	assert_int_equal(count("\nposted-v3 (pass): as claimed: N4 (nmi, stale) x12, "), 1);
	assert_int_equal(count("\nbroadcast (skip): "), 1);
	assert_int_equal(count("\nbroadcast with two roots (skip): "), 1);

	run = sample_comparison();
	run->policies[0].nmi_load = run->policies[1].nmi_load = true;
	print(run);
	assert_int_equal(count("Stale n/a"), 0);
	assert_int_equal(count("NMI load off"), 0);
	run = sample_comparison();
	run->policies[1].nr_claims = 0;
	print(run);
	assert_int_equal(count("\nNMI load off: state-bits (as asked)\n"), 1);
}

/* Stale is the sum over both contexts; Findings names a claim, or the effect that has none. */
static void findings_are_named(void **state)
{
	struct run_result *run = sample_comparison();

	(void)state;
	run->policies[1].cpus[2].nmi_stale = 70;
	run->policies[1].cpus[3].stale = 7;
	print(run);
	assert_int_equal(count(" 77 "), 1);
	assert_int_equal(count(" stale,N4 "), 1);
}

static void what_was_not_measured_is_not_a_number(void **state)
{
	struct run_result *run = sample_comparison();

	(void)state;
	print(run);
	assert_int_equal(count("n/a"), 4); /* canary and gaps of the two housekeeping rows */

	run = sample_comparison();
	for (int i = 2; i < 4; i++) {
		run->policies[1].cpus[i].canary_valid = false;
		run->policies[1].cpus[i].has_gaps = false;
	}
	print(run);
	assert_int_equal(count("n/a"), 4 + 4 + 1);

	run = sample_comparison();
	run->policies[1].syscall_instructions = 0;
	print(run);
	assert_int_equal(count("n/a"), 4 + 1);

	/* One CPU without a canary must not hide behind the other's 0, nor hide the other's
	 * finding. */
	run = sample_comparison();
	run->policies[1].cpus[2].canary_valid = false;
	print(run);
	assert_int_equal(count("n/a"), 4 + 1 + 1);
	run = sample_comparison();
	run->policies[1].cpus[2].canary_valid = false;
	run->policies[1].cpus[3].stale = 77;
	print(run);
	assert_int_equal(count("n/a"), 4 + 1);
	assert_int_equal(count(" 77 "), 2);
}

static void timing_is_told_for_what_it_is(void **state)
{
	struct run_result *run = sample_comparison();

	(void)state;
	print(run);
	assert_int_equal(count("\ntiming: emulated (TCGTCGTCGTCG) - counts valid, times not\n"), 1);
	run = sample_comparison();
	run->machine.hypervisor[0] = '\0';
	print(run);
	assert_int_equal(count("\ntiming: emulated (unknown) - counts valid, times not\n"), 1);
	run = sample_comparison();
	run->machine.emulated = false;
	print(run);
	assert_int_equal(count("counts valid, times not"), 0);
	assert_int_equal(count("\ntiming: under a hypervisor (TCGTCGTCGTCG)"), 1);
}

static void print_topology(const struct place_result *cpus, u32 nr)
{
	struct run_result *run = sample_comparison();

	run->machine.topology = cpus;
	run->machine.nr_topology = nr;
	print(run);
}

/* Siblings need not be neighbours, a core may have one thread, and types have ranges. */
static void cores_are_told_where_they_differ(void **state)
{
	static const struct place_result threads[] = {
		{0, 0, 0, NULL}, {1, 2, 2, NULL}, {2, 1, 0, NULL}, {3, 6, 6, NULL}, {4, 3, 2, NULL},
	};
	static const struct place_result hybrid[] = {
		{0, 0, 0, "core"}, {1, 1, 0, "core"}, {2, 2, 2, "core"},
		{3, 8, 8, "atom"}, {4, 9, 9, "atom"}, {5, 16, 16, "core"},
	};
	static const struct place_result types[] = {{0, 0, 0, "atom"}, {1, 2, 2, "core"}};

	(void)state;
	print(sample_comparison());
	assert_int_equal(count("topology"), 0);
	print_topology(threads, ARRAY_SIZE(threads));
	assert_int_equal(count("\ntopology: 5 CPUs | threads of one core: 0+2 1+4\n"), 1);
	print_topology(hybrid, ARRAY_SIZE(hybrid));
	assert_int_equal(count("\ntopology: 6 CPUs | threads of one core: 0+1 | core: 0-2 5 | "
			       "atom: 3-4\n"),
			 1);
	print_topology(types, ARRAY_SIZE(types));
	assert_int_equal(count("\ntopology: 2 CPUs | core: 1 | atom: 0\n"), 1);
}

static void tscs_are_told_as_counts(void **state)
{
	struct run_result *run = sample_comparison();

	(void)state;
	run->machine.tsc_backwards = 2;
	run->machine.tsc_largest_backwards = 77;
	run->machine.emulated = false;
	print(run);
	assert_int_equal(
		count("\nTSC: 48 readings in turns by CPU 0 and each other, 2 backwards (by "
		      "77 ticks at most)\n"),
		1);
	run = sample_comparison();
	run->machine.tsc_readings = 0; /* one CPU: nothing was compared */
	print(run);
	assert_int_equal(count("TSC:"), 0);
	run = sample_comparison();
	run->machine.tsc_readings = 0;
	run->machine.tsc_unfinished = 3;
	print(run);
	assert_int_equal(
		count("\nTSC: 0 readings in turns by CPU 0 and each other, 0 backwards | 3 of "
		      "the CPUs did not end"),
		1);
}

static void verdicts_have_their_words(void **state)
{
	static const struct {
		enum verdict run, policy;
		bool ran;
		const char *line;
	} cases[] = {
		{VERDICT_PASS, VERDICT_PASS, true, "verdict: pass (2 rows: 2 pass)\n"},
		{VERDICT_FAIL, VERDICT_FAIL, true, "verdict: fail (2 rows: 1 pass, 1 fail)\n"},
		{VERDICT_ERROR, VERDICT_ERROR, true, "verdict: error (2 rows: 1 pass, 1 error)\n"},
		{VERDICT_NONE, VERDICT_NONE, true, "verdict: error (2 rows: 1 pass, 1 error)\n"},
		{VERDICT_PASS, VERDICT_NONE, false, "verdict: pass (2 rows: 1 pass, 1 skip)\n"},
		{VERDICT_ERROR, VERDICT_ERROR, false, "verdict: error (2 rows: 1 pass, 1 error)\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run_result *run = sample_comparison();

		run->verdict = cases[i].run;
		run->policies[1].verdict = cases[i].policy;
		run->policies[1].ran = cases[i].ran;
		print(run);
		assert_string_equal(last_line(), cases[i].line);
	}
	print(sample_nothing());
	assert_string_equal(last_line(), "verdict: error (0 rows)\n");
}

static void sixteen_isolated_cpus_are_shown_and_seventeen_are_cut(void **state)
{
	for (u32 nr = 15; nr < 19; nr++) {
		struct run_result *run = sample_many_cpus();

		(void)state;
		run->policies[0].nr_cpus = 16 + nr;
		print(run);
		assert_int_equal(count("\niso "), nr <= 16 ? nr : 8);
		assert_int_equal(count("\nhk*16 "), 1);
		assert_int_equal(count("\niso*"), nr > 16);
		assert_int_equal(count("\n...+"), nr > 16);
	}
}

static void sums_are_sums(void **state)
{
	struct run_result *run = sample_many_cpus();
	struct cpu_result total;

	(void)state;
	assert_int_equal(cpu_results_sum(run->policies, CPUS_ISOLATED, &total), 240);
	assert_int_equal(total.deferred, 239 * 10000 + 9998);
	assert_int_equal(total.phase2_entries, 240 * 12011);
	assert_int_equal(total.gaps[GAP_NMI].count, 1);
	assert_int_equal(total.gaps[GAP_MACHINE].count, 240 * 5);
	assert_int_equal(total.gaps[GAP_MACHINE].largest_ns, 9120);
	assert_int_equal(gap_largest(&total), GAP_NMI);
	assert_int_equal(cpu_results_sum(run->policies, CPUS_HOUSEKEEPING, &total), 16);
	assert_int_equal(total.other_irqs, 64);
	assert_false(total.canary_valid);
	assert_int_equal(gap_largest(&total), GAP_CAUSES);
	assert_int_equal(cpu_results_sum(run->policies, CPUS_ALL, &total), 256);
	assert_true(total.canary_valid);
	sample_free(run);

	run = sample_maxima(); /* no wrapping: 254 times the largest number is the largest */
	cpu_results_sum(run->policies, CPUS_ISOLATED, &total);
	assert_true(total.lost == UINT64_MAX && total.stale == UINT64_MAX);
	sample_free(run);
}

static void to_stdout(const char *s, size_t n)
{
	fwrite(s, 1, n, stdout);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_are_as_they_were_read),
		cmocka_unit_test(any_result_fits),
		cmocka_unit_test(the_verdicts_of_all_policies_fit_a_screen),
		cmocka_unit_test(many_policies_have_no_tables_of_their_own),
		cmocka_unit_test(notes_tell_what_was_not_tried),
		cmocka_unit_test(findings_are_named),
		cmocka_unit_test(what_was_not_measured_is_not_a_number),
		cmocka_unit_test(timing_is_told_for_what_it_is),
		cmocka_unit_test(cores_are_told_where_they_differ),
		cmocka_unit_test(tscs_are_told_as_counts),
		cmocka_unit_test(verdicts_have_their_words),
		cmocka_unit_test(sixteen_isolated_cpus_are_shown_and_seventeen_are_cut),
		cmocka_unit_test(sums_are_sums),
	};

	if (argc == 3 && !strcmp(argv[1], "print")) {
		struct run_result *run = sample_by_name(argv[2]);

		if (!run)
			return 2;
		report_print(run, to_stdout);
		sample_free(run);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
