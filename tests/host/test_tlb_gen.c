// sources: arch/x86_64/tlb_gen.c
/* SPDX-License-Identifier: MIT */
/*
 * Flush generations against a model that forgets nothing: a set of issued, completed and covered
 * numbers per CPU, and the rule "completed and not covered". The kernel's version keeps a number
 * and a window; both must agree after every step of a long random history.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/tlb_gen.h"

#define STEPS	  60000
#define IN_FLIGHT 40

struct model {
	bool completed[STEPS + 1];
	bool covered[2][STEPS + 1];
	u64 open[IN_FLIGHT];
	u32 nr_open;
	u64 base, issued; /* numbers start where an earlier test left the kernel's */
};

static struct model model;
static struct tlb_gen_cpu cpus[2];

static u64 model_uncovered(int cpu)
{
	u64 count = 0;
	u64 from = model.issued > 900 ? model.issued - 900 : 1;

	for (u64 n = from; n <= model.issued; n++)
		count += model.completed[n] && !model.covered[cpu][n];
	return count;
}

static void cover_all(int cpu, u64 upto)
{
	tlb_gen_cover_all(&cpus[cpu], model.base + upto);
	for (u64 n = 1; n <= upto; n++)
		model.covered[cpu][n] = true;
}

static void cover_one(int cpu, u64 n)
{
	tlb_gen_cover_one(&cpus[cpu], model.base + n);
	model.covered[cpu][n] = true;
}

static void start(void)
{
	memset(&model, 0, sizeof(model));
	memset(cpus, 0, sizeof(cpus));
	model.base = tlb_gen_issued();
	cpus[0].covered = cpus[1].covered = model.base;
}

static void issue(void)
{
	assert_int_equal(tlb_gen_issue(), model.base + ++model.issued);
	model.open[model.nr_open++] = model.issued;
}

/* Purges end in any order. */
static void complete(u32 which)
{
	u64 n = model.open[which];

	model.open[which] = model.open[--model.nr_open];
	tlb_gen_complete(model.base + n);
	model.completed[n] = true;
}

static void random_history(void **state)
{
	(void)state;
	start();
	srand(1);
	while (model.issued < STEPS) {
		int cpu = rand() % 2;

		switch (rand() % 8) {
		case 0:
		case 1:
			if (model.nr_open < IN_FLIGHT)
				issue();
			break;
		case 2:
		case 3:
			if (model.nr_open)
				complete((u32)rand() % model.nr_open);
			break;
		case 4:
		case 5:
		case 6:
			if (model.nr_open)
				cover_one(cpu, model.open[(u32)rand() % model.nr_open]);
			break;
		default:
			if (rand() % 4 == 0)
				cover_all(cpu,
					  model.issued - (u64)(rand() % 3) % (model.issued + 1));
			break;
		}
		/* Beyond the window an uncovered number is the kernel's word against nobody's. */
		if (model.issued - (cpus[cpu].covered - model.base) < TLB_GEN_WINDOW)
			assert_int_equal(tlb_gen_uncovered(&cpus[cpu]), model_uncovered(cpu));
		else
			cover_all(cpu, model.issued);
	}
}

/* Deferred, then drained: uncovered exactly from completion to the full flush. */
static void deferral(void **state)
{
	(void)state;
	start();
	issue();
	assert_int_equal(tlb_gen_uncovered(&cpus[0]), 0);
	complete(0);
	assert_int_equal(tlb_gen_uncovered(&cpus[0]), 1);
	tlb_gen_cover_all(&cpus[0], tlb_gen_issued());
	assert_int_equal(tlb_gen_uncovered(&cpus[0]), 0);
	assert_int_equal(tlb_gen_uncovered(&cpus[1]), 1);
}

/* A full flush whose number was read before the purge was issued does not cover it. */
static void early_stamp(void **state)
{
	u64 before;

	(void)state;
	start();
	before = tlb_gen_issued();
	issue();
	complete(0);
	tlb_gen_cover_all(&cpus[0], before);
	assert_int_equal(tlb_gen_uncovered(&cpus[0]), 1);
}

/* A ranged flush covers its own purge and no older one. */
static void ranged_covers_itself(void **state)
{
	(void)state;
	start();
	issue();
	issue();
	complete(0);
	complete(0);
	cover_one(0, 2);
	assert_int_equal(tlb_gen_uncovered(&cpus[0]), 1);
	assert_int_equal(cpus[0].covered, model.base);
	cover_one(0, 1);
	assert_int_equal(tlb_gen_uncovered(&cpus[0]), 0);
	assert_int_equal(cpus[0].covered, model.base + 2);
}

/* Years in ring 3: more purges missed than any window holds, still not 0, then covered at once. */
static void long_absence(void **state)
{
	(void)state;
	start();
	for (int i = 0; i < 5000; i++) {
		issue();
		complete(0);
	}
	assert_true(tlb_gen_uncovered(&cpus[0]) >= 1000);
	tlb_gen_cover_all(&cpus[0], tlb_gen_issued());
	assert_int_equal(tlb_gen_uncovered(&cpus[0]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deferral),
		cmocka_unit_test(early_stamp),
		cmocka_unit_test(ranged_covers_itself),
		cmocka_unit_test(long_absence),
		cmocka_unit_test(random_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
