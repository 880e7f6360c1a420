// sources: kernel/cpulist.c kernel/parse.c
/* SPDX-License-Identifier: MIT */
/*
 * Lists of CPUs: cases by hand, thousands of random sets that are written as a list and must come
 * back, and every refusal with its text. A set is compared CPU by CPU with an array of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/cpulist.h"

static struct cpumask mask;
static char error[256];

/* Parses a copy without a terminator: LEN is all that may be read. */
static bool parse(const char *text, u32 nr_cpus)
{
	size_t len = strlen(text);
	char *exact = malloc(len ? len : 1);
	bool ok;

	memcpy(exact, text, len);
	memset(&mask, 0xa5, sizeof(mask));
	memset(error, 'x', sizeof(error));
	ok = nr_cpus ? cpulist_parse(exact, len, nr_cpus, &mask, error, sizeof(error))
		     : cpulist_check(exact, len, error, sizeof(error));
	free(exact);
	return ok;
}

/* "0110": CPUs 1 and 2; those behind the end of the text are not in the set. */
static void assert_set(const char *expected)
{
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		assert_int_equal(cpumask_test(&mask, cpu),
				 cpu < strlen(expected) && expected[cpu] == '1');
}

static void lists_by_hand(void **state)
{
	static const struct {
		const char *text;
		u32 nr_cpus;
		const char *set;
	} cases[] = {
		{"0", 1, "1"},
		{"N", 1, "1"},
		{"3", 4, "0001"},
		{"N", 4, "0001"},
		{"1-3", 4, "0111"},
		{"2-N", 4, "0011"},
		{"N-N", 4, "0001"},
		{"N-3", 4, "0001"},
		{"2-2", 4, "001"},
		{"0-N", 6, "111111"},
		{"1,3-5", 8, "010111"},
		{"5,1,3", 8, "010101"},
		{"1-3,2-4,3", 8, "01111"},
		{"1,3-5,7-N", 9, "010111011"},
		{"0003", 4, "0001"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(parse(cases[i].text, cases[i].nr_cpus));
		assert_set(cases[i].set);
		assert_true(parse(cases[i].text, 0));
		assert_string_equal(error, "");
	}
	assert_true(parse("255", 256));
	assert_int_equal(cpumask_weight(&mask), 1);
	assert_true(cpumask_test(&mask, 255));
	assert_true(parse("0-N", 256));
	assert_int_equal(cpumask_weight(&mask), 256);
}

static void random_sets_come_back(void **state)
{
	(void)state;
	srand(3);
	for (int round = 0; round < 3000; round++) {
		int nr_cpus = 1 + rand() % MAX_CPUS;
		char set[MAX_CPUS + 1] = {0}, list[2048];
		int used = 0;

		for (int cpu = 0; cpu < nr_cpus; cpu++)
			set[cpu] = rand() % 3 ? '1' : '0';
		for (int first = 0; first < nr_cpus; first++) {
			int last = first;

			if (set[first] != '1')
				continue;
			while (last + 1 < nr_cpus && set[last + 1] == '1' && rand() % 8)
				last++;
			used += sprintf(list + used, "%s%d", used ? "," : "", first);
			if (last == nr_cpus - 1)
				used += sprintf(list + used, "-N");
			else if (last > first)
				used += sprintf(list + used, "-%d", last);
			first = last;
		}
		if (!used)
			continue;
		assert_true(parse(list, (u32)nr_cpus));
		assert_set(set);
	}
}

static void bad_lists_are_named(void **state)
{
	static const struct {
		const char *text;
		u32 nr_cpus; /* 0: check of the form */
		const char *error;
	} cases[] = {
		{"", 4, "'' is empty; valid: numbers and ranges such as 1,4-6,8-N"},
		{"1,", 4, "'' is empty; valid: numbers and ranges such as 1,4-6,8-N"},
		{",1", 4, "'' is empty; valid: numbers and ranges such as 1,4-6,8-N"},
		{"1-", 4, "'' is empty; valid: numbers and ranges such as 1,4-6,8-N"},
		{"-1", 4, "'' is empty; valid: numbers and ranges such as 1,4-6,8-N"},
		{"-", 0, "'' is empty; valid: numbers and ranges such as 1,4-6,8-N"},
		{"x", 4, "'x' is no CPU; valid: a number, or N for the last CPU"},
		{"n", 4, "'n' is no CPU; valid: a number, or N for the last CPU"},
		{"NN", 4, "'NN' is no CPU; valid: a number, or N for the last CPU"},
		{"1 ", 4, "'1 ' is no CPU; valid: a number, or N for the last CPU"},
		{"0x1", 4, "'0x1' is no CPU; valid: a number, or N for the last CPU"},
		{"1-2-3", 4, "'2-3' is no CPU; valid: a number, or N for the last CPU"},
		{"8-15:2/4", 32, "'15:2/4' is no CPU; valid: a number, or N for the last CPU"},
		{"all", 0, "'all' is no CPU; valid: a number, or N for the last CPU"},
		{"4", 4, "'4' is not there; CPUs are 0-3"},
		{"1-4", 4, "'4' is not there; CPUs are 0-3"},
		{"1", 1, "'1' is not there; the only CPU is 0"},
		{"256", 256, "'256' is not there; CPUs are 0-255"},
		{"256", 0, "'256' is not there; CPUs are 0-255"},
		{"1-256", 0, "'256' is not there; CPUs are 0-255"},
		{"4294967297", 4, "'4294967297' is not there; CPUs are 0-3"},
		{"18446744073709551617", 4, "'18446744073709551617' is not there; CPUs are 0-3"},
		{"3-1", 4, "'3-1' runs backwards; valid: 1-3"},
		{"N-1", 4, "'N-1' runs backwards; valid: 1-3"},
		{"0,3-1", 0, "'3-1' runs backwards; valid: 1-3"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char expected[256];

		snprintf(expected, sizeof(expected), "CPU list %s: %s", cases[i].text,
			 cases[i].error);
		assert_false(parse(cases[i].text, cases[i].nr_cpus));
		assert_string_equal(error, expected);
	}
}

/* What only the number of CPUs can tell is left open by the check of the form. */
static void the_form_alone(void **state)
{
	static const char *const good[] = {"255", "0-N", "N-0", "200-N", "N"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(parse(good[i], 0));
	assert_false(parse("200-N", 100));
	assert_false(parse("N-0", 2));
}

static void isolated_cpus_by_default(void **state)
{
	static const struct {
		u32 nr_cpus;
		const char *set;
	} cases[] = {
		{1, ""}, {2, "01"}, {3, "001"}, {4, "0011"}, {5, "00011"}, {8, "00001111"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(nohz_full_resolve("", cases[i].nr_cpus, &mask, error, sizeof(error)));
		assert_set(cases[i].set);
	}
	assert_true(nohz_full_resolve("", 256, &mask, error, sizeof(error)));
	assert_int_equal(cpumask_weight(&mask), 128);
	assert_true(cpumask_test(&mask, 128));
}

static void isolated_cpus_as_asked(void **state)
{
	static const struct {
		const char *text;
		u32 nr_cpus;
		const char *set, *error;
	} cases[] = {
		{"1", 2, "01", NULL},
		{"1-N", 2, "01", NULL},
		{"1-3", 4, "0111", NULL},
		{"N", 4, "0001", NULL},
		{"0", 4, NULL,
		 "nohz_full=0: CPU 0 is the boot CPU, which cannot be isolated; valid: CPUs out of "
		 "1-3"},
		{"2,0", 4, NULL,
		 "nohz_full=2,0: CPU 0 is the boot CPU, which cannot be isolated; valid: CPUs out "
		 "of "
		 "1-3"},
		{"0", 2, NULL,
		 "nohz_full=0: CPU 0 is the boot CPU, which cannot be isolated; valid: 1"},
		{"0-N", 4, NULL,
		 "nohz_full=0-N: not every CPU can be isolated, CPU 0 must stay out; valid: CPUs "
		 "out "
		 "of 1-3"},
		{"1,0", 2, NULL,
		 "nohz_full=1,0: not every CPU can be isolated, CPU 0 must stay out; valid: 1"},
		{"4", 4, NULL, "nohz_full=: CPU list 4: '4' is not there; CPUs are 0-3"},
		{"1-8", 4, NULL, "nohz_full=: CPU list 1-8: '8' is not there; CPUs are 0-3"},
		{"1", 1, NULL,
		 "nohz_full=1: the only CPU cannot be isolated; valid: no nohz_full= at all"},
		{"N", 1, NULL,
		 "nohz_full=N: the only CPU cannot be isolated; valid: no nohz_full= at all"},
		{"1,", 4, NULL,
		 "nohz_full=: CPU list 1,: '' is empty; valid: numbers and ranges such as "
		 "1,4-6,8-N"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool ok = nohz_full_resolve(cases[i].text, cases[i].nr_cpus, &mask, error,
					    sizeof(error));

		assert_int_equal(ok, !cases[i].error);
		assert_string_equal(error, cases[i].error ? cases[i].error : "");
		if (ok)
			assert_set(cases[i].set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_by_hand),
		cmocka_unit_test(random_sets_come_back),
		cmocka_unit_test(bad_lists_are_named),
		cmocka_unit_test(the_form_alone),
		cmocka_unit_test(isolated_cpus_by_default),
		cmocka_unit_test(isolated_cpus_as_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
