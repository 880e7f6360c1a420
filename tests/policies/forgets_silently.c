/* SPDX-License-Identifier: MIT */
/*
 * A policy from outside the tree (NEW=) that is wrong and claims nothing: the end of an NMI says
 * "not in the kernel" instead of putting back what the NMI found (R6). An NMI in the kernel makes
 * the next purge deferred, and the kernel goes on with the old translation.
 */
#include "mm/policy/ops.h"
#include "mm/policy/policy.h"

struct forgets {
	u32 in_kernel;
};

static void forgets_reset(unsigned int cpu)
{
	remote_own(cpu, struct forgets)->in_kernel = 1;
}

static bool forgets_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	(void)range;
	return word_read(&remote_own(cpu, struct forgets)->in_kernel);
}

static __always_inline void forgets_enter(void)
{
	own_xchg(struct forgets, in_kernel, 1);
	drain_all_local();
}

static __always_inline void forgets_exit(void)
{
	own_write(struct forgets, in_kernel, 0);
}

static __always_inline u64 forgets_nmi_enter(void)
{
	own_xchg(struct forgets, in_kernel, 1);
	__flush_tlb_all();
	return 0;
}

static __always_inline void forgets_nmi_exit(u64 unused)
{
	(void)unused;
	own_write(struct forgets, in_kernel, 0);
}

DEFINE_POLICY_DOORS(forgets, forgets_enter, forgets_exit, forgets_nmi_enter, forgets_nmi_exit);

const struct flush_policy policy_forgets_silently = {
	.name = "forgets-silently",
	.lineage = "a control of NEW=",
	.roots = ROOTS_ONE | ROOTS_TWO,
	.defers = true,
	.eager = true,
	.reset = forgets_reset,
	.need_ipi = forgets_need_ipi,
	.doors = POLICY_DOORS_ONE(forgets),
	.doors_two = POLICY_DOORS_TWO(forgets),
};
