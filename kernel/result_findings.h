/* SPDX-License-Identifier: MIT */
/*
 * What the oracles found under a policy, in the words in which policies claim defects: a finding is
 * an effect in a context. One that a claim covers is the policy's known defect; any other convicts.
 */
#pragma once

#include "kernel/result.h"

enum finding {
	FOUND_STALE,	    /* process, stale: a canary behind an entry, or the storm's own pages */
	FOUND_LOST,	    /* process, lost: a completed purge uncovered, by the generations */
	FOUND_SPURIOUS,	    /* process, spurious: a drain that nobody recorded */
	FOUND_STALE_IN_NMI, /* nmi, stale */
	FOUND_LOST_IN_NMI,  /* nmi, lost */
	FINDINGS
};

const char *finding_context(enum finding finding);
const char *finding_effect(enum finding finding);

/* How often each was made on one CPU of POLICY, and on all of them. */
void cpu_findings(const struct policy_result *policy, const struct cpu_result *cpu,
		  u64 counts[FINDINGS]);
void policy_findings(const struct policy_result *policy, u64 counts[FINDINGS]);

/*
 * Whether a flush that is missing can show as a stale read. With one root it can. With two each CR3
 * write hides it, on both emulators and on CPUs without PCID; not from a stale copy, which none of
 * those writes changes. Under zone=trap nothing is ever stale: that mode flushes on the way out.
 */
bool canary_convicts(const struct policy_result *policy);

/* The claim of POLICY that covers FINDING, or NULL. */
const struct claim_result *claim_of(const struct policy_result *policy, enum finding finding);

/*
 * An isolated CPU's entries that put POLICY to the test: those with work owed. A policy that never
 * drains at an entry, because it flushes elsewhere without being asked, owes nothing: all of them.
 */
u64 testing_entries(const struct policy_result *policy, const struct cpu_result *cpu);

/* Whether something was found that no claim covers. */
bool has_unclaimed(const struct policy_result *policy, const u64 counts[FINDINGS]);

/* The first claim that names CONTEXT, or NULL. */
const struct claim_result *claim_in_context(const struct policy_result *policy,
					    const char *context);
