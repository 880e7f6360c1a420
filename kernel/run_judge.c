/* SPDX-License-Identifier: MIT */
/*
 * The verdict on a run, see bench.h: its worst policy's. A policy that this machine cannot run
 * (skip) counts neither way, but a run of nothing else is an error. A run with something broken on
 * purpose never passes: if nothing was found, the check that should have found it is what failed.
 * Nor does one on fewer CPUs than there are: that was another machine than was asked for.
 */
#include "arch/x86_64/breaks.h"
#include "kernel/bench.h"
#include "kernel/format.h"
#include "kernel/result_words.h"

#define REASON(...) snprintf(run->reason, sizeof(run->reason), __VA_ARGS__)

/* NAME, and with how many roots where that makes a difference to the reader. */
static void blame(struct run_result *run, const struct policy_result *policy)
{
	REASON("%s%s: %s", policy->name, policy->roots == 2 ? " with two roots" : "",
	       policy->reason);
}

static void judge_policies(struct run_result *run)
{
	u32 passed = 0;

	run->verdict = VERDICT_PASS;
	for (u32 i = 0; i < run->nr_policies; i++) {
		const struct policy_result *policy = &run->policies[i];

		if (policy->verdict == VERDICT_PASS)
			passed++;
		if (policy->verdict == VERDICT_PASS || policy_was_skipped(policy))
			continue;
		if (run->verdict == VERDICT_FAIL)
			continue;
		run->verdict = policy->verdict == VERDICT_FAIL ? VERDICT_FAIL : VERDICT_ERROR;
		blame(run, policy);
	}
	if (run->verdict == VERDICT_PASS && !passed) {
		run->verdict = VERDICT_ERROR;
		REASON("no policy was run");
	}
}

/* A defect is convicted where it is found, claimed as it is. */
static void judge_defect(struct run_result *run)
{
	for (u32 i = 0; i < run->nr_policies && run->verdict == VERDICT_PASS; i++) {
		if (!run->policies[i].reason[0] || policy_was_skipped(&run->policies[i]))
			continue;
		run->verdict = VERDICT_FAIL;
		blame(run, &run->policies[i]);
	}
}

void run_judge(struct run_result *run, u32 broken_bits, bool defect)
{
	judge_policies(run);
	if (defect)
		judge_defect(run);
	if (run->machine.cpus_failed && run->verdict != VERDICT_FAIL) {
		run->verdict = broken_bits & BREAK_AP ? VERDICT_FAIL : VERDICT_ERROR;
		REASON("%u of %u CPUs did not come up", run->machine.cpus_failed,
		       run->machine.cpus_found);
	}
	if (run->parameters.broken[0] && run->verdict == VERDICT_PASS) {
		run->verdict = VERDICT_ERROR;
		REASON("%s was not convicted", run->parameters.broken);
	}
}
