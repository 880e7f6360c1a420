/* SPDX-License-Identifier: MIT */
/*
 * The explorer: every interleaving of a policy's hooks within bounds, see model.h. What its parts
 * share.
 */
#pragma once

#include "arch/x86_64/types.h"
#include "tests/explorer/state.h"

/* One message on stderr, exit status 2: the explorer cannot do what it was asked to. */
_Noreturn void explorer_fail(const char *format, ...) __printf(1, 2);

/* Where and how the interleavings are bounded. CPUs: initiators, then targets, then a bystander. */
struct bounds {
	const char *name;
	const char *text;
	u8 initiators, purges; /* purges: by each initiator */
	u8 targets, visits;    /* visits: by each target, beside those that an IPI makes */
	u8 nmis, mcs;	       /* over all targets */
	bool bystander;	       /* a CPU in the kernel that does not track its context */
	bool sequential;       /* whole schedules, one thing at a time: for costs */
	bool tables;	       /* a purge may free a page table */
	bool tables_deferred;  /* and its flush is deferred, as it must not be: a control */
};

extern const struct bounds *bounds_now;

/*
 * A purge asks once for all CPUs, by targets(), if the policy has that: as mm/tlbflush.c does where
 * nobody watches each answer. Else it asks need_ipi() about each.
 */
extern bool ask_by_targets;

static inline unsigned int initiator_of(u8 purge)
{
	return purge / bounds_now->purges;
}

static inline u32 nr_model_cpus(void)
{
	return bounds_now->initiators + bounds_now->targets + bounds_now->bystander;
}

static inline bool is_target(unsigned int cpu)
{
	return cpu >= bounds_now->initiators &&
	       cpu < (u32)bounds_now->initiators + bounds_now->targets;
}

/* What the oracles find. */
enum context { CONTEXT_PROCESS, CONTEXT_NMI, CONTEXTS };
enum effect {
	EFFECT_STALE,	  /* an old translation may be used */
	EFFECT_LOST,	  /* a purge is over that no flush of this CPU covers */
	EFFECT_SPURIOUS,  /* a drain that answers to no purge */
	EFFECT_DISTURBED, /* an IPI for a CPU that sat in ring 3 */
	EFFECT_ROOT,	  /* ring 3 on the kernel's root, or the kernel on ring 3's */
	EFFECT_STUCK,	  /* a hook without an end, or a purge that nobody can end */
	EFFECTS,
};

struct finding {
	bool found;
	const char *rule; /* R1..R10, by the circumstances */
	u32 cpu;
	u8 purge;
};
