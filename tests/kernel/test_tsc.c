/* SPDX-License-Identifier: MIT */
/*
 * The comparison of TSCs sees one that is apart, by a distance that no delay reaches: in either
 * direction each second reading is lower, those of the CPU that is behind.
 */
#include "arch/x86_64/tsc_compare.h"

#include "arch/x86_64/percpu.h"
#include "tests/kernel/probe.h"

#define TURNS 8
#define APART (1UL << 40)

static bool alone(void)
{
	if (nr_online_cpus() == 1)
		ktest_skip("one CPU alone: nothing to compare");
	return nr_online_cpus() == 1;
}

static void expect_steps(unsigned int cpu, u64 offset)
{
	struct tsc_comparison sum = {0};

	tsc_compare(cpu, TURNS, offset, &sum);
	EXPECT_EQ(sum.unfinished, 0);
	EXPECT_EQ(sum.readings, 2 * TURNS);
	EXPECT_EQ(sum.backwards, TURNS);
	EXPECT(sum.largest > APART / 2);
}

KTEST(tsc, one_that_is_behind_is_seen)
{
	if (alone())
		return;
	for (unsigned int cpu = 1; cpu < nr_online_cpus(); cpu++)
		expect_steps(cpu, -APART);
}

KTEST(tsc, one_that_is_ahead_is_seen)
{
	if (alone())
		return;
	for (unsigned int cpu = 1; cpu < nr_online_cpus(); cpu++)
		expect_steps(cpu, APART);
}

/* What it finds of the machine itself is no business of a test, but how often it looked is. */
KTEST(tsc, all_cpus_are_compared)
{
	struct tsc_comparison sum, twice = {0};

	if (alone())
		return;
	tsc_compare_all(TURNS, &sum);
	EXPECT_EQ(sum.unfinished, 0);
	EXPECT_EQ(sum.readings, 2 * TURNS * (nr_online_cpus() - 1));
	tsc_compare(1, TURNS, -APART, &twice);
	tsc_compare(1, TURNS, 0, &twice);
	EXPECT_EQ(twice.readings, 4 * TURNS);
	EXPECT(twice.backwards >= TURNS);
}
