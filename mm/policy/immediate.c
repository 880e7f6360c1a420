/* SPDX-License-Identifier: MIT */
/*
 * immediate: mainline Linux. Every flush of kernel addresses interrupts every CPU, whatever it
 * does, and the initiator waits for all of them. (on_each_cpu() in arch/x86/mm/tlb.c.)
 *
 * Right because nothing is ever late: no CPU executes an instruction, in any ring, on a translation
 * whose flush has returned. The price is one interrupt a purge on every isolated CPU.
 */
#include "mm/policy/ops.h"
#include "mm/policy/policy.h"
#include "mm/policy/policy_targets.h"

static void immediate_reset(unsigned int cpu)
{
	(void)cpu;
}

static bool immediate_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	(void)cpu;
	(void)range;
	return true;
}

static __always_inline void immediate_enter(void)
{
}

static __always_inline void immediate_exit(void)
{
}

static __always_inline u64 immediate_nmi_enter(void)
{
	return 0;
}

static __always_inline void immediate_nmi_exit(u64 saved)
{
	(void)saved;
}

DEFINE_POLICY_DOORS(immediate, immediate_enter, immediate_exit, immediate_nmi_enter,
		    immediate_nmi_exit);

DEFINE_POLICY_TARGETS(immediate);

const struct flush_policy policy_immediate = {
	.name = "immediate",
	.lineage = "mainline",
	.roots = ROOTS_ONE | ROOTS_TWO,
	.reset = immediate_reset,
	.need_ipi = immediate_need_ipi,
	.targets = immediate_targets,
	.doors = POLICY_DOORS_ONE(immediate),
	.doors_two = POLICY_DOORS_TWO(immediate),
};
