/* SPDX-License-Identifier: MIT */
/*
 * A policy from outside the tree (NEW=) that flushes at every entry and is right, but claims a
 * defect that it does not have.
 */
#include "mm/policy/ops.h"
#include "mm/policy/policy.h"

struct modest {
	u32 in_kernel;
};

static void modest_reset(unsigned int cpu)
{
	remote_own(cpu, struct modest)->in_kernel = 1;
}

static bool modest_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	(void)range;
	return word_read(&remote_own(cpu, struct modest)->in_kernel);
}

static __always_inline void modest_enter(void)
{
	own_xchg(struct modest, in_kernel, 1);
	drain_all_local();
}

static __always_inline void modest_exit(void)
{
	own_write(struct modest, in_kernel, 0);
}

static __always_inline u64 modest_nmi_enter(void)
{
	u64 saved = own_xchg(struct modest, in_kernel, 1);

	__flush_tlb_all();
	return saved;
}

static __always_inline void modest_nmi_exit(u64 saved)
{
	own_write(struct modest, in_kernel, (u32)saved);
}

DEFINE_POLICY_DOORS(modest, modest_enter, modest_exit, modest_nmi_enter, modest_nmi_exit);

static const struct policy_claim claims[] = {{"N5", "process", "lost"}};

const struct flush_policy policy_claims_too_much = {
	.name = "claims-too-much",
	.lineage = "a control of NEW=",
	.roots = ROOTS_ONE | ROOTS_TWO,
	.claims = claims,
	.nr_claims = ARRAY_SIZE(claims),
	.defers = true,
	.eager = true,
	.reset = modest_reset,
	.need_ipi = modest_need_ipi,
	.doors = POLICY_DOORS_ONE(modest),
	.doors_two = POLICY_DOORS_TWO(modest),
};
