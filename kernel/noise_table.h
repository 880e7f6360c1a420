/* SPDX-License-Identifier: MIT */
/*
 * The last table of run=noise: a line for each row of policies, with what the isolated CPU got that
 * got most.
 *
 * Context of all: boot CPU.
 */
#pragma once

#include "kernel/exp.h"

/* Of one isolated CPU, or of the one that got most, column by column. */
struct noise_counts {
	u64 deferred;
	u64 requests;	/* of the initiator: each is waited for */
	u64 callbacks;	/* flushes that it ran because of them */
	u64 interrupts; /* that ring 3 saw, of any kind, and NMIs */
	u64 entries;	/* into the kernel, without the program's end */
	u64 forced;	/* flushes of a CPU that lagged too far behind (quarantine) */
};

/* ROW, under which so many flushes were issued, is about to be told of its CPUs. */
void noise_table_row(const struct policy_row *row, u64 flushes);

/* One isolated CPU of that row. */
void noise_table_cpu(const struct noise_counts *counts);

/* Prints it and forgets it. */
void noise_table_print(void);
