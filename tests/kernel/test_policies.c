/* SPDX-License-Identifier: MIT */
/*
 * What neither the storm nor the sweep can bring about: defect N3, which needs a CPU that does not
 * track its context, while here every CPU does. So one is made: the word of an idle CPU, which is
 * in the kernel, is set to what a CPU without tracking may have in it, and marked as not active.
 * A purge must interrupt that CPU all the same. And what the table of policies itself must hold.
 */
#include "arch/x86_64/layout.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/string.h"
#include "mm/policy/defects.h"
#include "mm/policy/policy.h"
#include "mm/tlbflush.h"
#include "tests/kernel/probe.h"

/* Whether a purge reaches an idle CPU whose word says USER, not tracked. */
static bool reaches_untracked(const struct flush_policy *policy)
{
	const struct policy_mode mode = {ROOTS_ONE, false};
	unsigned int cpu = nr_online_cpus() - 1;
	u64 requests;

	select_policy(policy, &mode);
	policy->stop_tracking(cpu);
	requests = this_cpu()->call_stats[cpu].requests[CALL_FLUSH];
	flush_tlb_kernel_range_deferrable(VMALLOC_START, VMALLOC_START + PAGE_SIZE);
	requests = this_cpu()->call_stats[cpu].requests[CALL_FLUSH] - requests;
	EXPECT_EQ(tlb_gen_uncovered(&percpu(cpu)->tlb_gen), 1 - requests);
	select_default_policy();
	return requests;
}

KTEST(policies, n3_believes_an_untracked_word)
{
	if (nr_online_cpus() < 2) {
		ktest_skip("needs 2 CPUs");
		return;
	}
	if (!CONFIG_CONTEXT_TRACKING_WORK) {
		ktest_skip("built without deferral");
		return;
	}
	EXPECT(reaches_untracked(find_policy("state-bits")));
	EXPECT(reaches_untracked(find_policy("watching")));
	EXPECT(!reaches_untracked(find_policy("posted-v3")));
	EXPECT(!reaches_untracked(find_defect("N3")));
	EXPECT(reaches_untracked(find_defect("N2")));
}

/* A policy has doors for the roots that it names, and for no others; names are unique. */
KTEST(policies, the_table_is_consistent)
{
	for (const struct flush_policy *const *p = flush_policies; *p; p++) {
		const struct flush_policy *policy = *p;

		EXPECT(policy->name && policy->lineage && policy->reset && policy->need_ipi);
		EXPECT(find_policy(policy->name) == policy);
		EXPECT_EQ(!!policy->doors.enter, !!(policy->roots & ROOTS_ONE));
		EXPECT_EQ(!!policy->doors.nmi_exit, !!(policy->roots & ROOTS_ONE));
		EXPECT_EQ(!!policy->doors_two.enter, !!(policy->roots & ROOTS_TWO));
		EXPECT_EQ(!!policy->doors_two.nmi_exit, !!(policy->roots & ROOTS_TWO));
		for (u32 i = 0; i < policy->nr_claims; i++)
			EXPECT(policy->claims[i].id && policy->claims[i].context &&
			       policy->claims[i].effect);
	}
}
