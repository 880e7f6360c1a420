/* SPDX-License-Identifier: MIT */
/*
 * One policy on the bench: the storm in its two phases, with the oracles watching.
 *
 * Phase 1: every isolated CPU stays in ring 3 (program spin) while the flushes are issued, then
 * enters once. Phase 2: they bounce (program bounce) at a rate counted in purges, and are sent NMIs
 * at random moments, unless the policy is known to be wrong there.
 */
#pragma once

#include "kernel/result.h"
#include "mm/policy/policy.h"

/* NMI_AUTO: on, but for a policy that claims a defect in NMI handlers. */
enum nmi_choice { NMI_AUTO, NMI_OFF, NMI_ON };

struct bench_config {
	u64 seed;
	u64 flushes;	    /* phase 1: at least this many */
	u64 phase2_flushes; /* phase 2: at most this many, at least until the floors are reached */
	u64 workers;	  /* housekeeping CPUs that storm beside the boot CPU: at most this many */
	u64 bounce_every; /* phase 2: see storm_page */
	u32 alias_percent;
	u32 nmi; /* enum nmi_choice */
	bool vmap_stack;
	struct policy_mode mode;
};

/* What a verdict needs, per policy. */
#define FLOOR_FLUSHES	 500
#define FLOOR_OWED	 500
#define FLOOR_WARM	 200 /* where canary_convicts(); elsewhere they may cool again */
#define FLOOR_CHECKS	 200
#define FLOOR_NMI_CHECKS 100 /* where the NMI load is on */

/* What is known of POLICY, and how it is put to the test, before it runs. */
void bench_describe(const struct flush_policy *policy, const struct bench_config *config,
		    struct policy_result *out);

/*
 * Runs POLICY and fills *OUT but for its verdict. OUT->cpus has room for nr_online_cpus().
 * Boot CPU, interrupts on, all other CPUs idle, at least one of them isolated.
 */
void bench_run(const struct flush_policy *policy, const struct bench_config *config,
	       struct policy_result *out);

/*
 * Judges what bench_run() found: verdict and reason. A finding that the policy claims is named in
 * the reason of a pass. Pure: reads and writes *OUT only.
 */
void bench_judge(struct policy_result *out);

/*
 * The verdict on the whole run, from those on its policies and the BROKEN bits that it ran under.
 * Pure: reads and writes *RUN only.
 */
void run_judge(struct run_result *run, u32 broken_bits, bool defect);
