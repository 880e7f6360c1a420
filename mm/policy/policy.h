/* SPDX-License-Identifier: MIT */
/*
 * A flush policy: who must be interrupted for a flush of kernel addresses, and who may flush later.
 * One file in mm/policy/ defines each; list.c names it; nothing else in the kernel does. The purge
 * code (mm/tlbflush.c) and the doors (entry.asm) are the same under all of them.
 */
#pragma once

#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/doors.h"
#include "arch/x86_64/types.h"
#include "mm/policy/word.h"

/* After so many purges a policy that keeps its words in a ring is back at the place it began at. */
#define POLICY_RING 16

/* One purge, as the initiator sees it. PTEs are clear, a full barrier has passed. */
struct flush_range {
	u64 start, end; /* [start, end); end == TLB_FLUSH_ALL: everything */
	u32 initiator;	/* CPU number */
	bool full;	/* more than the ceiling: each CPU flushes all instead of page by page */
	u64 generation;
	u64 ticket; /* what begin() returned; 0 without one, and for undeferrable flushes */
};

/* What a CPU in ring 3 runs on: the kernel's tables, or a second root without them (kPTI). */
enum policy_roots { ROOTS_ONE = 1, ROOTS_TWO = 2 };

/* A known defect of a policy: what a run may find without failing, and what `convict` must find. */
struct policy_claim {
	const char *id;	     /* "N1".."N9", or another id of docs/rules.md */
	const char *context; /* where the stale or lost translation is met: process, irq, nmi */
	const char *effect;  /* stale, lost, spurious */
};

struct flush_policy {
	const char *name;
	const char *lineage;
	const struct policy_word *words; /* NULL: it has none */
	u32 roots;			 /* set of enum policy_roots */
	const struct policy_claim *claims;
	u32 nr_claims;
	const char *speculative; /* NULL, or a claim's id: its (process, stale) needs a TLB that
				    fills by itself, as zone=stale has, and hardware may */
	bool broadcast; /* the initiator's instruction flushes everywhere: others execute nothing */
	bool defers;	/* false: every flush is an IPI, as in mainline */
	bool eager;	/* flushes at every entry, owed or not: does not promise R9 */
	bool control;	/* wrong on purpose: no part of the default comparison */

	/* NULL, or a function that says what this machine lacks for it (NULL: nothing): `skip`. */
	const char *(*missing)(void);

	/*
	 * Puts CPU's words into their state "in the kernel, nothing owed". All CPUs stopped, called
	 * for each of them when the policy is selected.
	 */
	void (*reset)(unsigned int cpu);

	/*
	 * NULL: the policy knows no CPU that does not track its context. Else puts CPU's words into
	 * a state in which such a CPU may be met, for the tests of N3: it says ring 3 while the CPU
	 * is in the kernel, and that it is not to be believed. Context: as reset().
	 */
	void (*stop_tracking)(unsigned int cpu);

	/*
	 * Initiator, once a purge, before any need_ipi(): the policy's own number of this purge,
	 * kept in range->ticket. May be NULL. Interrupts on.
	 */
	u64 (*begin)(const struct flush_range *range);

	/*
	 * Initiator, once a purge and online CPU, its own among them: true if it must be sent an
	 * IPI now. False promises that it flushes before it touches anything deferrable. Interrupts
	 * on.
	 */
	bool (*need_ipi)(unsigned int cpu, const struct flush_range *range);

	/*
	 * NULL, or the same for all online CPUs in one call: adds those that need an IPI to MASK.
	 * Used where nobody watches each answer (flush_books). May leave CPUs out that need_ipi()
	 * would have asked, if it knows the answer: no. Explored in its place by `explore -m`.
	 */
	void (*targets)(const struct flush_range *range, struct cpumask *mask);

	/*
	 * Any CPU, when it has executed RANGE's flush, by IPI or as the initiator. May be NULL.
	 * Interrupts off.
	 */
	void (*flushed)(const struct flush_range *range);

	/*
	 * NULL: addresses, and the frames of vfree(), may be reused as soon as a purge is over.
	 * Else they rest for as long as any online CPU lags, that is, has executed no full flush
	 * since purge GENERATION; mm/ asks, and interrupts the laggards when too much rests.
	 */
	bool (*lags)(unsigned int cpu, u64 generation);

	/* Target, noinstr: see doors.h. With one root, and with two; unset: it cannot. */
	struct door_ops doors;
	struct door_ops doors_two;
};

/* All policies, in the order in which they are reported; NULL ends it. */
extern const struct flush_policy *const flush_policies[];

/* The one in force. Changed by select_policy() only. */
extern const struct flush_policy *flush_policy;

/* NULL if there is none of that name. */
const struct flush_policy *find_policy(const char *name);

/* How a policy is put in force. */
struct policy_mode {
	enum policy_roots roots;
	bool on_task_stack; /* stack=task: one root only */
};

/* NULL if POLICY can be put in force that way, else why it cannot. */
const char *policy_refuses(const struct flush_policy *policy, const struct policy_mode *mode);

/*
 * Puts POLICY in force: stops all other CPUs, resets every CPU's words, points the doors at it.
 * Tasks made from then on have as many roots as MODE says. No CPU may have a task then, and
 * policy_refuses() must be NULL (panics otherwise). Interrupts on.
 */
void select_policy(const struct flush_policy *policy, const struct policy_mode *mode);
