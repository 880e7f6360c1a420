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

/* Flushes [start, end) of kernel addresses on every CPU before it returns. */
void flush_tlb_kernel_range(u64 start, u64 end);

/*
 * The same, but the policy in force may leave CPUs in ring 3 to flush at their next kernel entry.
 * Only for leaf entries of the vmalloc area that were cleared (R1, R2, R8, R10). Built without
 * CONFIG_CONTEXT_TRACKING_WORK it is the plain one.
 */
#if CONFIG_CONTEXT_TRACKING_WORK
void flush_tlb_kernel_range_deferrable(u64 start, u64 end);
#else
#define flush_tlb_kernel_range_deferrable flush_tlb_kernel_range
#endif

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

/* What the flush code has issued since boot. */
struct flush_totals {
	u64 deferrable;	  /* calls of flush_tlb_kernel_range_deferrable() */
	u64 undeferrable; /* calls of flush_tlb_kernel_range() */
	u64 full, ranged; /* of both */
	u64 user;
};

struct flush_totals flush_totals(void);
