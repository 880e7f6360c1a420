/* SPDX-License-Identifier: MIT */
/*
 * Two pages that ring 3 may read and the kernel alone writes. Ring-3 programs include this file:
 * it is their whole view of what the kernel did to their CPU.
 */
#pragma once

#include "arch/x86_64/types.h"

/* What brought a CPU out of ring 3; the C handler of each door counts its own. */
enum entry_cause {
	CAUSE_FLUSH_IPI,
	CAUSE_OTHER_IPI,
	CAUSE_TIMER,
	CAUSE_NMI,
	CAUSE_SYSCALL,
	CAUSE_EXCEPTION,
	ENTRY_CAUSES
};

/*
 * One a CPU, written by that CPU only. The doors themselves count entries and exits: `entries`
 * goes up before the policy's enter hook, `exits` after its exit hook, and an NMI counts in both
 * wherever it strikes. So entries == exits implies that the CPU is in ring 3 and that the policy
 * has been told so: the sender-side check of "never interrupted while deferrable" rests on it.
 */
struct user_page {
	u64 entries;
	u64 exits;
	u64 causes[ENTRY_CAUSES];
	u64 cpu;
	u64 tsc_khz;
};

enum storm_command {
	STORM_IDLE,   /* keep spinning */
	STORM_RUN,    /* bounce */
	STORM_FINISH, /* enter once more and exit */
};

/* One for all CPUs, written by the workload on a housekeeping CPU. */
struct storm_page {
	u64 command;	  /* enum storm_command */
	u64 purges;	  /* flushes issued so far in this phase */
	u64 bounce_every; /* a bouncing program enters after this many further flushes, at random
			     up to twice as many */
	u64 tsc_every;	  /* a spinning program reads the TSC once in this many turns, at least 1 */
	u64 seed;
};

#define USER_PAGE_VA  0x7ff000000000UL
#define STORM_PAGE_VA 0x7ff000001000UL
