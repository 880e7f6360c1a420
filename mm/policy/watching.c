/* SPDX-License-Identifier: MIT */
/*
 * watching: the context-tracking word of the seed, gated on the parity of its counter ("RCU is
 * watching") instead of its context bits: v5 24/25 to v7 24/31, which used it for text patching
 * only, with v7's correction of N6.
 *
 * Why the gate matters. An NMI out of ring 3 leaves the context at USER but makes the counter odd
 * before its handler runs. Gated on the context, a purge is deferred meanwhile (N4); gated on the
 * parity it is not. Every even-to-odd edge, by whatever door, is one LOCKed operation that returns
 * the work bits and executes them; a bit can only be set while the counter is even. So whatever was
 * deferred is executed at the next edge, and nothing can be deferred behind it (R4, R5, R6).
 *
 * Because none can be set while it is odd, the NMI that made it odd may clear the bits at its end:
 * they are all executed. An NMI that finds it odd and the bit still there flushes for itself, at
 * any parity: the entry under it may stand between its XADD and its flush.
 */
#include "mm/policy/context_tracking.h"
#include "mm/policy/policy.h"
#include "mm/policy/policy_targets.h"

static bool watching_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	(void)range;
	return !ct_set_cpu_work_unless_watching(cpu, CT_WORK_TLBI);
}

DEFINE_POLICY_DOORS(watching, ct_enter, ct_exit, ct_nmi_enter_draining, ct_nmi_exit_clearing);

DEFINE_POLICY_TARGETS(watching);

const struct flush_policy policy_watching = {
	.name = "watching",
	.lineage = "v5..v7, corrected",
	.words = ct_words,
	.roots = ROOTS_ONE | ROOTS_TWO,
	.defers = true,
	.reset = ct_reset,
	.stop_tracking = ct_stop_tracking,
	.need_ipi = watching_need_ipi,
	.targets = watching_targets,
	.doors = POLICY_DOORS_ONE(watching),
	.doors_two = POLICY_DOORS_TWO(watching),
};
