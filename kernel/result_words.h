/* SPDX-License-Identifier: MIT */
/*
 * The words and sums in which both forms of the report, text and JSON, speak of a result, so that
 * they cannot differ.
 */
#pragma once

#include "kernel/result.h"

/* "pass", "fail" or "error": a run that was given no verdict was cut short, which is an error. */
const char *run_verdict_word(enum verdict verdict);

/* It did not run, and nobody calls that an error. */
bool policy_was_skipped(const struct policy_result *policy);

/* The same for a policy, or "skip" if it was. */
const char *policy_verdict_word(const struct policy_result *policy);

/* The key of a cause in JSON, and its short name in tables. */
const char *gap_cause_key(enum gap_cause cause);
const char *gap_cause_word(enum gap_cause cause);

/* The cause with the largest gap, GAP_CAUSES if there was no gap. */
enum gap_cause gap_largest(const struct cpu_result *cpu);

/* A sum that stays at the largest number instead of wrapping. */
u64 saturating_add(u64 a, u64 b);

/* Which CPUs of a policy a sum is over. */
enum cpu_kind { CPUS_ISOLATED, CPUS_HOUSEKEEPING, CPUS_ALL };

/*
 * Adds up the CPUs of KIND and returns how many there are. In TOTAL the canary is valid if it was
 * on one of them, and an isolated CPU without it does not hide behind a sum of 0.
 */
u32 cpu_results_sum(const struct policy_result *policy, enum cpu_kind kind,
		    struct cpu_result *total);
