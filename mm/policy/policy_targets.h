/* SPDX-License-Identifier: MIT */
/*
 * A policy's answers for all CPUs at once, made from its answer for one: NAME_need_ipi() is inlined
 * into one loop, so that a purge pays for no call a CPU. For `targets` of struct flush_policy.
 */
#pragma once

#include "arch/x86_64/cpumask.h"
#include "mm/policy/policy.h"

#define DEFINE_POLICY_TARGETS(name)                                                                \
	static void name##_targets(const struct flush_range *range, struct cpumask *mask)          \
	{                                                                                          \
		unsigned int nr = nr_online_cpus();                                                \
                                                                                                   \
		for (unsigned int cpu = 0; cpu < nr; cpu++)                                        \
			if (name##_need_ipi(cpu, range))                                           \
				cpumask_set(mask, cpu);                                            \
	}                                                                                          \
	_Static_assert(1, "")
