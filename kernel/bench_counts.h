/* SPDX-License-Identifier: MIT */
/*
 * The bench's bookkeeping: differences of the kernel's counters over a phase, per CPU. Read while
 * the CPUs in question are idle, or, where said, at any time.
 */
#pragma once

#include "kernel/result.h"
#include "user/syscall.h"

/* Flushes of kernel ranges issued so far, by all CPUs. Any time. */
u64 flushes_issued(void);

/* Start of a phase: every isolated CPU sits in ring 3 and no flush is under way. */
void counts_begin(void);

/* Of this phase so far: entries, those with work owed; what the generations found. Any time. */
void counts_entries_now(unsigned int cpu, struct cpu_result *out);
void counts_lost_now(unsigned int cpu, struct cpu_result *out);

/* End of a phase: all tasks have ended. Adds the phase's share to *OUT. */
void counts_end_phase1(struct policy_result *out, const struct spin_report *reports);
void counts_end_phase2(struct policy_result *out);
