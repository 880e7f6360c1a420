/* SPDX-License-Identifier: MIT */
/*
 * A flush policy: who must be interrupted for a flush of kernel addresses, and who may flush later.
 * One file in mm/policy/ defines each; list.c names it; nothing else in the kernel does. The purge
 * code (mm/tlbflush.c) and the doors (entry.asm) are the same under all of them.
 */
#pragma once

#include "arch/x86_64/doors.h"
#include "arch/x86_64/types.h"

/* One purge, as the initiator sees it. PTEs are clear, a full barrier has passed. */
struct flush_range {
	u64 start, end; /* [start, end); end == TLB_FLUSH_ALL: everything */
	u32 initiator;	/* CPU number */
	bool full;	/* more than the ceiling: each CPU flushes all instead of page by page */
	u64 generation;
};

enum policy_roots { ROOTS_ONE = 1, ROOTS_TWO = 2 };

/* A known defect of a policy: what a run may find without failing. */
struct policy_claim {
	const char *id;	     /* "N1".."N9" */
	const char *context; /* where the stale or lost translation is met: process, irq, nmi */
	const char *effect;  /* stale, lost, spurious */
};

struct flush_policy {
	const char *name;
	const char *lineage;
	u32 roots; /* set of enum policy_roots */
	const struct policy_claim *claims;
	u32 nr_claims;
	bool defers; /* false: every flush is an IPI, as in mainline */

	/*
	 * Puts CPU's words into their state "in the kernel, nothing owed". All CPUs stopped, called
	 * for each of them when the policy is selected.
	 */
	void (*reset)(unsigned int cpu);

	/*
	 * Initiator, once a purge and online CPU, its own among them: true if it must be sent an
	 * IPI now. False promises that it flushes before it touches anything deferrable. Interrupts
	 * on.
	 */
	bool (*need_ipi)(unsigned int cpu, const struct flush_range *range);

	/* Target, noinstr: see doors.h. */
	struct door_ops doors;
};

/* All policies, in the order in which they are reported; NULL ends it. */
extern const struct flush_policy *const flush_policies[];

/* The one in force. Changed by select_policy() only. */
extern const struct flush_policy *flush_policy;

/* NULL if there is none of that name. */
const struct flush_policy *find_policy(const char *name);

/*
 * Puts POLICY in force: stops all other CPUs, resets every CPU's words, points the doors at it.
 * No CPU may have a task then (panics otherwise). Interrupts on.
 */
void select_policy(const struct flush_policy *policy, bool on_task_stack);
