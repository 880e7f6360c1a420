/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes on all CPUs. All return when every CPU that had to act at once has done so.
 * Context: interrupts on, no spin lock held (they wait for other CPUs).
 */
#pragma once

#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/types.h"

/* As END: flush everything. */
#define TLB_FLUSH_ALL (~0UL)

/*
 * Flushes [start, end) of kernel addresses on every CPU before it returns. Returns the purge's
 * number (arch/x86_64/tlb_gen.h), as does the deferrable one.
 */
u64 flush_tlb_kernel_range(u64 start, u64 end);

/*
 * The same, but the policy in force may leave CPUs in ring 3 to flush at their next kernel entry.
 * Only for leaf entries of the vmalloc area that were cleared: panics with the rule's name on what
 * it can see of a violation (R1, R2, R8, R10; see tlbflush.c and deferrable.h). Built without
 * CONFIG_CONTEXT_TRACKING_WORK it is the plain one.
 */
#if CONFIG_CONTEXT_TRACKING_WORK
u64 flush_tlb_kernel_range_deferrable(u64 start, u64 end);
#else
#define flush_tlb_kernel_range_deferrable flush_tlb_kernel_range
#endif

/*
 * For page-table pages that mapped a part of [start, end) and were unlinked from the hierarchy:
 * drops everything that any CPU has cached, on every CPU, before it returns. Never deferred (R1).
 *
 * Why not a flush of the range, or of one page of it? What is stale is no translation. A CPU keeps
 * the upper levels of its walks in paging-structure caches (SDM Vol 3, 4.10.3) and goes on from
 * such an entry into the freed table, that is, into whatever the frame holds by then, to make
 * translations of it, even speculatively, even in ring 3, and to set Accessed bits in it. INVLPG of
 * one address drops these caches for the current PCID alone. In May 2025 Jann Horn found that
 * pmd_free_pte_page() and pud_free_pmd_page() of Linux, which promote vmalloc mappings to huge
 * pages, freed tables after a flush of one page: the caches of the other PCIDs kept the tables.
 * His cure is the function whose name this one has.
 */
void flush_tlb_kernel_pgtable_range(u64 start, u64 end);

/*
 * Whether a table that was unlinked when UNLINKED_AT (tlb_gen_issued() behind a full barrier) was
 * the newest purge may still be walked: until a flush by the above that began later is over.
 */
bool pgtable_flush_owed(u64 unlinked_at);

/*
 * Interrupts the CPUs that the policy in force says lag behind purge GENERATION, and nobody else,
 * to flush everything. Afterwards none lags: panics, naming R7, if the policy does not agree. Only
 * under a policy that has `lags`.
 */
void flush_tlb_laggards(u64 generation);

/*
 * One address space of ring 3: its root and the CPUs that have it loaded. A CPU adds itself before
 * it loads the root and leaves after it has loaded another.
 */
struct user_mm {
	phys_addr_t root;
	struct cpumask cpus; /* bits change by LOCKed operations */
};

/*
 * Flushes user addresses on every CPU that has MM loaded, by IPI, whatever the CPU does: ring 3
 * itself uses these translations, so no entry comes in between (R2). Never deferred, never
 * absorbed by a deferred kernel flush.
 */
void flush_tlb_mm_range(const struct user_mm *mm, u64 start, u64 end);

/*
 * True: around each question to the policy the flush code writes down what the oracles need
 * (mm/tlbflush.c). False, for who counts what a purge costs: it does not, and R9 and the split into
 * raced and deferrable IPIs are unknown. Changed while no purge is under way, and back before any
 * oracle is read.
 */
extern bool flush_books;

/* What the flush code has issued since boot. */
struct flush_totals {
	u64 deferrable;	  /* calls of flush_tlb_kernel_range_deferrable() */
	u64 undeferrable; /* calls of flush_tlb_kernel_range() */
	u64 full, ranged; /* of both */
	u64 pgtable;	  /* of the undeferrable ones: for page-table pages */
	u64 forced;	  /* calls of flush_tlb_laggards() */
	u64 forced_ipis;  /* CPUs that these have interrupted */
	u64 user;
};

struct flush_totals flush_totals(void);

/* What a policy answered, seen from outside, too. Written while that is traced or watched. */
struct policy_answer {
	u64 generation; /* of the purge; 0: none was asked about yet */
	u32 target;
	u32 answer;	 /* enum trace_answer */
	u64 shared, own; /* the first of the target's words, read right before the question */
};

/* The last one that this CPU, as the initiator, was given. */
const struct policy_answer *last_policy_answer(void);
