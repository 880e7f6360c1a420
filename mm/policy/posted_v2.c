/* SPDX-License-Identifier: MIT */
/*
 * posted-v2: RFC v2 15/20 and 20/20 (20 July 2023) as posted, stale bits and all. state_bits.c has
 * the argument why the idea is right; here is what the posting made of it:
 *
 * N1. The variant of the exit that clears the work bits stood behind #ifdef CONTEXT_TRACKING_WORK,
 *     without CONFIG_, so it was never compiled. The bits are sticky: after the first deferral
 *     every later entry flushes, owed or not (R9). No safety rule is broken.
 * N4. An NMI out of ring 3 moves the counter and executes what is owed, but leaves the context at
 *     USER: while its handler runs, purges are deferred (R4, R6). Frederic Weisbecker on v4.
 *
 * X2. An NMI that strikes between an entry's XADD and its flush does nothing: it finds the counter
 *     odd (R6). Nobody said so on the list; it shows where N4 does, in NMI context.
 *
 * The setter's look at `active` is v4's cure of N3, which v2 has in common with v3 (posted_v3.c
 * claims it). Other than in v2 an idle CPU counts as in the kernel.
 */
#include "mm/policy/context_tracking.h"
#include "mm/policy/policy.h"

static const struct policy_claim claims[] = {
	{"N1", "process", "spurious"}, {"N1", "nmi", "spurious"}, {"N4", "nmi", "stale"},
	{"N4", "nmi", "lost"},	       {"X2", "nmi", "stale"},	  {"X2", "nmi", "lost"},
};

static bool v2_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	(void)range;
	return !ct_set_cpu_work(cpu, CT_WORK_TLBI);
}

DEFINE_POLICY_DOORS(v2, ct_enter, ct_exit_sticky, ct_nmi_enter_blind_in_kernel, ct_nmi_exit);

const struct flush_policy policy_posted_v2 = {
	.name = "posted-v2",
	.lineage = "RFC v2, as posted",
	.words = ct_words,
	.roots = ROOTS_ONE | ROOTS_TWO,
	.claims = claims,
	.nr_claims = ARRAY_SIZE(claims),
	.defers = true,
	.reset = ct_reset,
	.stop_tracking = ct_stop_tracking,
	.need_ipi = v2_need_ipi,
	.doors = POLICY_DOORS_ONE(v2),
	.doors_two = POLICY_DOORS_TWO(v2),
};
