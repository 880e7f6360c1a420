/* SPDX-License-Identifier: MIT */
/*
 * System calls, for both sides. Number in RAX, arguments in RDI, RSI, RDX, result in RAX.
 */
#pragma once

#include "arch/x86_64/types.h"
#include "arch/x86_64/user_page.h"

enum syscall_number {
	SYS_NULL,  /* nothing; returns 0 */
	SYS_EXIT,  /* (code, report, length): probes as below, copies the report, ends the task */
	SYS_PROBE, /* reads and warms this CPU's canary; returns 0 */
	SYS_WRITE, /* (text, length <= SYS_WRITE_MAX): prints it; returns the length or -1 */
	SYSCALLS
};

#define SYS_WRITE_MAX 200

/* Returned for a number that is not above. Linux's -ENOSYS. */
#define SYS_UNKNOWN ((u64)-38)

/* What a spinning program hands over at its exit: every gap it saw, by cause. */
struct spin_report {
	u64 samples;
	u64 threshold;	 /* TSC ticks: a longer iteration is a gap, and so is every kernel entry */
	u64 entries;	 /* kernel entries seen between the first and the last sample */
	u64 unexplained; /* of these, without a cause in the user page */
	struct spin_gaps {
		u64 count;
		u64 largest;		   /* TSC ticks */
	} by_cause[ENTRY_CAUSES], machine; /* machine: no kernel entry in between */
};

/* What the victim hands over: run=hostile wants zeroes, and some looks. */
struct victim_report {
	u64 looks;
	u64 memory_lost; /* words that were not as they had been written */
	u64 registers_lost;
	u64 entries; /* exceptions and timer interrupts on its CPU */
};
