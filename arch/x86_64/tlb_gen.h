/* SPDX-License-Identifier: MIT */
/*
 * Flush generations: the bookkeeping of the generation oracle.
 * Every purge takes a number after its PTEs are clear. A full flush covers all numbers issued
 * before it, a ranged flush only its own. A CPU in the kernel must never have a *completed* purge
 * uncovered. This needs no TLB entry to be there, so it convicts on any machine.
 *
 * Plain data and arithmetic: the same file is tested on the host.
 */
#pragma once

#include "arch/x86_64/types.h"

/* More purges than this in flight at once, and one flushed by range counts as uncovered. */
#define TLB_GEN_WINDOW 256

struct tlb_gen_cpu {
	u64 covered; /* all purges up to this one are covered; written by the CPU itself */
	u64 ahead[TLB_GEN_WINDOW]; /* ahead[n % WINDOW] == n: purge n, above that, is covered too */
};

/* Takes the number of a purge. Initiator, PTEs clear. A full barrier (LOCKed). */
u64 tlb_gen_issue(void);
/* The newest number issued: to be read *before* the full flush that it shall stamp. */
u64 tlb_gen_issued(void);
/* The purge is over: everybody it asked has answered. Initiator. */
void tlb_gen_complete(u64 gen);
/* The CPU has executed a full flush after reading ISSUED. noinstr. */
void tlb_gen_cover_all(struct tlb_gen_cpu *cpu, u64 issued);
/* The CPU has executed the flush of purge GEN. Interrupts off. */
void tlb_gen_cover_one(struct tlb_gen_cpu *cpu, u64 gen);
/* How many completed purges the CPU has not covered; 0 is what R9 demands in the kernel. */
u64 tlb_gen_uncovered(const struct tlb_gen_cpu *cpu);

/* Written by tlb_gen_complete() only. */
extern u64 tlb_gen_newest_completed;

/* The quick question that comes first: false means that nothing is uncovered. */
static __always_inline bool tlb_gen_behind(const struct tlb_gen_cpu *cpu)
{
	return __atomic_load_n(&tlb_gen_newest_completed, __ATOMIC_ACQUIRE) > cpu->covered;
}
