/* SPDX-License-Identifier: MIT */
/*
 * posted-v5: the gate of v5 24/25 (29 April 2025). v5 deferred text patching only ("Ditched the
 * vmap TLB flush deferral"); here its gate drives TLB flushes. watching.c is the same, corrected.
 *
 * N6. The first guess is made by old |= RCU_WATCHING where it has to be &= ~RCU_WATCHING. So the
 *     first CMPXCHG matches exactly the CPUs that are in the kernel, and succeeds on them: no IPI
 *     (R4). The bit goes when the CPU leaves for ring 3, never executed. Found by Frederic
 *     Weisbecker on v6, corrected in v7.
 *
 * X2. As in v2 to v4, an NMI between an entry's XADD and its flush does nothing (R6).
 */
#include "mm/policy/context_tracking.h"
#include "mm/policy/policy.h"

static const struct policy_claim claims[] = {
	{"N6", "process", "stale"}, {"N6", "process", "lost"}, {"N6", "nmi", "stale"},
	{"N6", "nmi", "lost"},	    {"X2", "nmi", "stale"},    {"X2", "nmi", "lost"},
};

static bool v5_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	struct context_tracking *ct = remote_words(cpu, struct context_tracking);
	bool recorded;
	u32 old;

	(void)range;
	if (!ct->active)
		return true;
	old = word_read(&ct->state) | CT_WATCHING;
	do {
		recorded = word_try_cmpxchg(&ct->state, &old, old | CT_WORK_TLBI);
	} while (!recorded && !(old & CT_WATCHING));
	return !recorded;
}

DEFINE_POLICY_DOORS(v5, ct_enter, ct_exit, ct_nmi_enter_blind_in_kernel, ct_nmi_exit_clearing);

const struct flush_policy policy_posted_v5 = {
	.name = "posted-v5",
	.lineage = "v5's gate, driving TLB flushes",
	.words = ct_words,
	.roots = ROOTS_ONE | ROOTS_TWO,
	.claims = claims,
	.nr_claims = ARRAY_SIZE(claims),
	.defers = true,
	.reset = ct_reset,
	.stop_tracking = ct_stop_tracking,
	.need_ipi = v5_need_ipi,
	.doors = POLICY_DOORS_ONE(v5),
	.doors_two = POLICY_DOORS_TWO(v5),
};
