/* SPDX-License-Identifier: MIT */
/*
 * A set of CPU numbers, plain data. Not atomic: whoever shares one says how.
 */
#pragma once

#include "arch/x86_64/cpu_number.h"
#include "arch/x86_64/types.h"

struct cpumask {
	u64 bits[MAX_CPUS / 64];
};

static inline bool cpumask_test(const struct cpumask *mask, unsigned int cpu)
{
	return mask->bits[cpu / 64] >> (cpu % 64) & 1;
}

static inline void cpumask_set(struct cpumask *mask, unsigned int cpu)
{
	mask->bits[cpu / 64] |= BIT(cpu % 64);
}

static inline void cpumask_clear(struct cpumask *mask, unsigned int cpu)
{
	mask->bits[cpu / 64] &= ~BIT(cpu % 64);
}

static inline unsigned int cpumask_weight(const struct cpumask *mask)
{
	unsigned int weight = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(mask->bits); i++)
		for (u64 rest = mask->bits[i]; rest; rest &= rest - 1)
			weight++;
	return weight;
}

/* nohz_full=: written once at boot, before the first purge. */
extern struct cpumask isolated_cpus;

static inline bool cpu_is_isolated(unsigned int cpu)
{
	return cpumask_test(&isolated_cpus, cpu);
}
