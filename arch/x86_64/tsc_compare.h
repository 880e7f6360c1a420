/* SPDX-License-Identifier: MIT */
/*
 * Whether the TSCs of two CPUs agree: they read in turns, and a reading that is lower than the one
 * before it, on the other CPU, is a step back. A TSC that is ahead by less than a turn takes is not
 * seen. Counts are told and nothing is judged: no verdict rests on a time.
 */
#pragma once

#include "arch/x86_64/types.h"

struct tsc_comparison {
	u64 readings;	/* compared with the one before, over all pairs */
	u64 backwards;	/* of these, lower than it */
	u64 largest;	/* of the steps back, in ticks */
	u32 unfinished; /* pairs that did not end within the limit; their readings count */
};

/*
 * Compares the boot CPU's TSC with CPU's in TURNS turns of both and adds to SUM. OFFSET is added to
 * what CPU reads: 0 measures, anything else is a TSC that is apart. Boot CPU, interrupts on, CPU
 * idle; an interrupt of kind CALL_OTHER.
 */
void tsc_compare(unsigned int cpu, u32 turns, u64 offset, struct tsc_comparison *sum);

/* Measures every other online CPU so; SUM begins at 0. */
void tsc_compare_all(u32 turns, struct tsc_comparison *sum);
