/* SPDX-License-Identifier: MIT */
/*
 * The context-tracking word of the seed (v2 15/20), one 32-bit word a CPU:
 *
 *	 31                  16 15                     2 1    0
 *	+----------------------+------------------------+------+
 *	| dynticks counter     | work bits              | ctx  |
 *	+----------------------+------------------------+------+
 *
 * ctx: what the CPU does; work: what it owes, set by others while they take it for not in the
 * kernel; counter: odd while the CPU is in the kernel ("RCU is watching"), one step a transition.
 * All three move in one LOCKed operation, so no observer sees one without the others.
 *
 * Here are also the target's transitions, as they should be: the policies of v2 to v5 and the
 * defects (defects.c) are made of them, each with its own mistake or gate in place of one.
 */
#pragma once

#include "mm/policy/ops.h"

#define CT_STATE_MASK 3U
#define CT_KERNEL     0U
#define CT_IDLE	      1U
#define CT_USER	      2U
#define CT_GUEST      3U

#define CT_WORK_START 2
#define CT_WORK_BITS  14
#define CT_WORK_MASK  (((1U << CT_WORK_BITS) - 1) << CT_WORK_START)
#define CT_WORK_SYNC  (1U << CT_WORK_START)
#define CT_WORK_TLBI  (2U << CT_WORK_START)

#define CT_COUNTER_START 16
#define CT_COUNTER_ONE	 (1U << CT_COUNTER_START)
#define CT_WATCHING	 CT_COUNTER_ONE /* odd */

_Static_assert(CT_WORK_START + CT_WORK_BITS == CT_COUNTER_START, "all 32 bits have an owner");

/*
 * active: written at reset only. It shares the line with state, which the initiator writes when it
 * defers; nobody else reads it.
 */
struct context_tracking {
	u32 state;
	bool active;
};

static inline void ct_reset(unsigned int cpu)
{
	struct context_tracking *ct = remote_words(cpu, struct context_tracking);

	ct->state = CT_COUNTER_ONE | CT_KERNEL;
	ct->active = true;
}

static inline void ct_stop_tracking(unsigned int cpu)
{
	struct context_tracking *ct = remote_words(cpu, struct context_tracking);

	ct->state = CT_USER;
	ct->active = false;
}

/* Ring 3 to kernel: one XADD publishes KERNEL, makes the counter odd and returns what is owed. */
static __always_inline void ct_enter(void)
{
	u32 state = this_add_return(struct context_tracking, state,
				    CT_KERNEL - CT_USER + CT_COUNTER_ONE);

	if (unlikely(state & CT_WORK_TLBI))
		drain_all_local();
}

/* Kernel to ring 3. Work bits are cleared here: none can be added before this. */
static __always_inline void ct_exit(void)
{
	u32 old = this_read(struct context_tracking, state);

	while (!this_try_cmpxchg(struct context_tracking, state, &old,
				 (old & ~CT_WORK_MASK) + CT_USER - CT_KERNEL + CT_COUNTER_ONE))
		;
}

/*
 * An NMI out of ring 3 makes the counter odd; it returns that it did. One that finds the counter
 * odd has struck in the kernel, or inside another. In both cases it flushes for itself if the work
 * bit is there (R6): out of ring 3 that is what is owed; behind an entry's XADD the entry may not
 * have flushed yet. Later in the kernel the bit means work already done, which is done once more;
 * NMIs are rare.
 *
 * Whose drain is it? With ct_nmi_exit() the bit stays, and the next entry drains: the NMI's flush
 * is its own. With ct_nmi_exit_clearing() the bit goes, so the NMI out of ring 3 is the drain.
 */
static __always_inline u64 __ct_nmi_enter(void (*flush_out_of_ring3)(void))
{
	u32 state = this_read(struct context_tracking, state);

	if (state & CT_WATCHING) {
		if (state & CT_WORK_TLBI)
			__flush_tlb_all();
		return 0;
	}
	state = this_add_return(struct context_tracking, state, CT_COUNTER_ONE);
	if (state & CT_WORK_TLBI)
		flush_out_of_ring3();
	return 1;
}

static __always_inline u64 ct_nmi_enter(void)
{
	return __ct_nmi_enter(__flush_tlb_all);
}

/*
 * As posted in v2, v3 and v5: in the kernel the bit is not looked at, so an NMI between an entry's
 * XADD and its flush does nothing (defect X2).
 */
static __always_inline u64 ct_nmi_enter_blind_in_kernel(void)
{
	u32 state = this_read(struct context_tracking, state);

	if (state & CT_WATCHING)
		return 0;
	state = this_add_return(struct context_tracking, state, CT_COUNTER_ONE);
	if (state & CT_WORK_TLBI)
		drain_all_local();
	return 1;
}

/* ct_state_inc(): what v2 and v3 compiled instead of clearing the work bits (defect N1). */
static __always_inline void ct_exit_sticky(void)
{
	this_add_return(struct context_tracking, state, CT_USER - CT_KERNEL + CT_COUNTER_ONE);
}

/* The end of an NMI that moved the counter: back to even, work bits as they are. */
static __always_inline void ct_nmi_exit(u64 moved)
{
	if (moved)
		this_add_return(struct context_tracking, state, CT_COUNTER_ONE);
}

static __always_inline u64 ct_nmi_enter_draining(void)
{
	return __ct_nmi_enter(drain_all_local);
}

/* The same, and the work bits go: right only where none can have been set meanwhile. */
static __always_inline void ct_nmi_exit_clearing(u64 moved)
{
	u32 old = this_read(struct context_tracking, state);

	while (moved && !this_try_cmpxchg(struct context_tracking, state, &old,
					  (old & ~CT_WORK_MASK) + CT_COUNTER_ONE))
		;
}

/*
 * The initiator's side: records WORK (CT_WORK_*) for CPU if the gate lets it. True: recorded, the
 * CPU will flush at its next entry, send no IPI. A full barrier then (LOCKed).
 *
 * By the context bits (v2). The loop starts from a plain read, which may be old. If it says KERNEL
 * for a CPU that has just left, the answer is one IPI too many, never a lost flush. If it says USER
 * for a CPU that has just entered, the CMPXCHG fails (the counter alone makes the words differ) and
 * returns the new word, which ends the loop.
 */
bool ct_set_cpu_work(unsigned int cpu, u32 work);

/*
 * By the counter's parity (v7): starts from a guess that cannot match a CPU that is watching, so
 * that the first CMPXCHG is always made, and never succeeds on one.
 */
bool ct_set_cpu_work_unless_watching(unsigned int cpu, u32 work);
