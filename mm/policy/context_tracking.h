/* SPDX-License-Identifier: MIT */
/*
 * The context-tracking word of the seed (v2 15/20), one 32-bit word a CPU:
 *
 *	 31                  16 15                     2 1    0
 *	+----------------------+------------------------+------+
 *	| dynticks counter     | work bits              | ctx  |
 *	+----------------------+------------------------+------+
 *
 * ctx: what the CPU does; work: what it owes, set by others while ctx is not KERNEL; counter: odd
 * while the CPU is in the kernel ("RCU is watching"), one step a transition. All three move in one
 * LOCKed operation, so no observer sees one without the others.
 */
#pragma once

#include "arch/x86_64/types.h"

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

_Static_assert(CT_WORK_START + CT_WORK_BITS == CT_COUNTER_START, "all 32 bits have an owner");

/*
 * active: written at reset only. It shares the line with state, which the initiator writes when it
 * defers; nobody else reads it.
 */
struct context_tracking {
	u32 state;
	bool active;
};

/*
 * Records WORK (CT_WORK_*) for CPU if it is not in the kernel. True: recorded, it will be done at
 * the CPU's next entry, send no IPI. False: it is in the kernel, send one. Initiator, interrupts
 * on or off. A full barrier when it returns true.
 */
bool ct_set_cpu_work(unsigned int cpu, u32 work);
