/* SPDX-License-Identifier: MIT */
/*
 * immediate: mainline Linux. Every flush of kernel addresses interrupts every CPU, whatever it
 * does, and the initiator waits for all of them. (on_each_cpu() in arch/x86/mm/tlb.c.)
 *
 * Right because nothing is ever late: no CPU executes an instruction, in any ring, on a translation
 * whose flush has returned. The price is one interrupt a purge on every isolated CPU.
 */
#include "mm/policy/policy.h"

static void nothing_reset(unsigned int cpu)
{
	(void)cpu;
}

static bool always_ipi(unsigned int cpu, const struct flush_range *range)
{
	(void)cpu;
	(void)range;
	return true;
}

static noinstr void nothing(void)
{
}

static noinstr u64 nothing_nmi_enter(void)
{
	return 0;
}

static noinstr void nothing_nmi_exit(u64 saved)
{
	(void)saved;
}

const struct flush_policy policy_immediate = {
	.name = "immediate",
	.lineage = "mainline",
	.roots = ROOTS_ONE,
	.reset = nothing_reset,
	.need_ipi = always_ipi,
	.doors = {nothing, nothing, nothing_nmi_enter, nothing_nmi_exit},
};
