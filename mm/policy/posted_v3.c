/* SPDX-License-Identifier: MIT */
/*
 * posted-v3: RFC v3 11/15 and 14/15 (19 November 2024) as posted. v2's N1, N4 and X2 are still in
 * it, see posted_v2.c. New:
 *
 * N2. The setter's loop became a do-while "to force at least one execution of the cmpxchg()". It
 *     still starts from the unmasked read, so for a CPU in the kernel the first CMPXCHG compares
 *     equal and succeeds: recorded, no IPI, and the CPU goes on in the kernel (R4). Found by
 *     Frederic Weisbecker. The bit is executed at that CPU's next entry, too late.
 * N3. The word of a CPU that does not track its context is believed, whatever it says.
 */
#include "mm/policy/context_tracking.h"
#include "mm/policy/policy.h"

static const struct policy_claim claims[] = {
	{"N1", "process", "spurious"}, {"N1", "nmi", "spurious"}, {"N2", "process", "stale"},
	{"N2", "process", "lost"},     {"N3", "process", "lost"}, {"N4", "nmi", "stale"},
	{"N4", "nmi", "lost"},	       {"X2", "nmi", "stale"},	  {"X2", "nmi", "lost"},
};

static bool v3_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	struct context_tracking *ct = remote_words(cpu, struct context_tracking);
	u32 old = word_read(&ct->state);
	bool recorded;

	(void)range;
	do {
		recorded = word_try_cmpxchg(&ct->state, &old, old | CT_WORK_TLBI);
	} while (!recorded && (old & CT_STATE_MASK) != CT_KERNEL);
	return !recorded;
}

DEFINE_POLICY_DOORS(v3, ct_enter, ct_exit_sticky, ct_nmi_enter_blind_in_kernel, ct_nmi_exit);

const struct flush_policy policy_posted_v3 = {
	.name = "posted-v3",
	.lineage = "RFC v3, as posted",
	.words = ct_words,
	.roots = ROOTS_ONE | ROOTS_TWO,
	.claims = claims,
	.nr_claims = ARRAY_SIZE(claims),
	.defers = true,
	.reset = ct_reset,
	.stop_tracking = ct_stop_tracking,
	.need_ipi = v3_need_ipi,
	.doors = POLICY_DOORS_ONE(v3),
	.doors_two = POLICY_DOORS_TWO(v3),
};
