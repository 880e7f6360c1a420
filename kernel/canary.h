/* SPDX-License-Identifier: MIT */
/*
 * The canary oracle: does a CPU that has entered the kernel still read an old translation?
 *
 * Each isolated CPU has one virtual address in the vmalloc area. It always translates to some frame
 * that holds {address, generation}. The swapper (a housekeeping CPU) unmaps it, purges, maps the
 * next frame at the same address; the isolated CPU reads it at its next entry, behind the danger
 * zone, and must find the new generation. The expected value is read before and after the read, and
 * is 0 while a swap is under way: a mismatch between two equal expectations is a stale translation.
 *
 * A CPU without the translation in its TLB would read right whatever the policy does. So the entry
 * is proved warm first, without timing, by the method of XTF: the Accessed bit is cleared in the
 * PTE without a flush and the page is touched; if the bit stays clear, no walk took place and the
 * translation was cached.
 *
 * Canary frames are the oracle's own and are not reused, for anything, before that CPU has flushed
 * every purge up to theirs: a stale read always finds an old generation, never somebody's data.
 */
#pragma once

#include "arch/x86_64/types.h"

struct canary_counts {
	u64 warm;   /* proofs that the translation was in the TLB, one a generation at most */
	u64 checks; /* reads with a stable expectation */
	u64 stale;  /* of these, with an old generation */
	/* The same of reads in NMI handlers, which the two above leave out. */
	u64 nmi_checks;
	u64 nmi_stale;
};

/* Makes canaries for the isolated CPUs. False when memory is short. Boot CPU, interrupts on. */
bool canaries_init(void);

/*
 * Moves CPU's canary to its next frame if the CPU has warmed the present one (or WARM_NEEDED is
 * false). Purges by vm_unmap_aliases(). True if it moved. Swapper only, interrupts on.
 */
bool canary_swap(unsigned int cpu, bool warm_needed);

/* Whether CPU has warmed its canary since the last swap. */
bool canary_is_warm(unsigned int cpu);

/* Reads this CPU's canary, and counts whether it was old. */
void canary_check_local(void);

/* The same, and then warms it. Behind the danger zone, any stack. */
void canary_probe_local(void);

/*
 * Reads it in an NMI handler, behind nmi_enter: true if the expectation was stable. Every NMI does
 * this; it warms nothing by proof, but leaves the translation in the TLB for the entry to come.
 */
bool canary_check_nmi_local(void);

/* This CPU's TLB was flushed by hand: the present canary has to be proved warm anew. */
void canary_cool_local(void);

/* Counts since canaries_reset(). */
struct canary_counts canary_counts(unsigned int cpu);
void canaries_reset(void);
