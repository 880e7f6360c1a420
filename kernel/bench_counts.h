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

/* Entries with work owed of this phase so far; what the generation oracle found. Any time. */
u64 counts_owed_now(unsigned int cpu);
void counts_lost_now(unsigned int cpu, struct cpu_result *out);

/* End of a phase: all tasks have ended. Adds the phase's share to *OUT. */
void counts_end_phase1(struct policy_result *out, const struct spin_report *reports);
void counts_end_phase2(struct policy_result *out);
