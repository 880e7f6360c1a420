/* SPDX-License-Identifier: MIT */
/*
 * Stepping: one CPU is stopped before any wanted instruction of a system call, from the first one
 * in the kernel to SYSRET, while everybody else goes on.
 *
 * Ring 3 sets TF right before its SYSCALL. While a CPU is armed, its FMASK leaves TF alone and #DB
 * has a door of its own (step.asm), which counts the instruction, waits there if it is the wanted
 * one, and lets the next trap again. It ends itself at the #DB behind SYSRET. Handlers of
 * interrupts, exceptions and NMIs that come in between are not stepped: their gates clear TF.
 *
 * A position is a zone and an index. The zones are counted each from its first instruction, since
 * the part between them varies: entry up to danger_zone_end, the kernel's C part, exit from
 * exit_zone_begin on. A CPU stopped at a position has not executed that instruction yet.
 *
 * No wait depends on time: the stopped CPU waits for a word, its controller for the stop or for the
 * end of the call. Both have limits, beyond which the machine stops and names CPU and place.
 */
#pragma once

#include "arch/x86_64/types.h"

enum step_zone { STEP_ZONE_ENTRY, STEP_ZONE_KERNEL, STEP_ZONE_EXIT, STEP_ZONES };

#define STEP_ZONE_SHIFT	     16
#define STEP_AT(zone, index) ((u64)(zone) << STEP_ZONE_SHIFT | (index))
#define STEP_NOWHERE	     (~0UL)

/* So many addresses of each zone are kept. */
#define STEP_TRACE_MAX 512

/* What the door and its controller share. */
struct step_state {
	u64 position;		/* of the last instruction counted */
	u64 wanted;		/* where to stop, STEP_NOWHERE */
	u64 rip;		/* where it stopped */
	u64 stops;		/* raised by the door when it stops */
	u64 released;		/* follows when it may go on */
	u64 ended;		/* the call is over, TF is clear again */
	u64 late;		/* nobody released it in time */
	u64 limit;		/* of that, TSC ticks */
	u64 pause;		/* PAUSE while waiting */
	u64 door_rip;		/* 0, or a stub that the next #DB in ring 3 leads to */
	u64 door_stack;		/* where that door's hardware frame begins */
	u64 length[STEP_ZONES]; /* instructions counted */
	u64 trace[STEP_ZONES][STEP_TRACE_MAX];
};

/* Lets CPU be stepped. One at a time; it is idle or in ring 3. Interrupts on. */
void step_arm(unsigned int cpu);

/* Puts everything back. The same. */
void step_disarm(void);

/* Before ring 3 is told to make a call: where it shall stop first. */
void step_begin(u64 wanted);

/*
 * The same for a door that no instruction of ring 3 leads to with TF: where ring 3 sets TF, it goes
 * on in the stub of VECTOR, an interrupt's or the NMI's, as if that had struck, and comes back by
 * that door's own IRET. What hardware does between the two is not in it: no interrupt is in
 * service, and NMIs are not blocked meanwhile. An NMI's instructions are all in the entry zone.
 */
void step_begin_door(unsigned int vector);

/* Waits for the stop or the end of the call: true if it is stopped. */
bool step_wait(void);

/* Lets the stopped CPU go on to NEXT, or to the end. */
void step_release(u64 next);

/* Where it is stopped. */
u64 step_rip(void);

/* Of the call that is over: how many #DBs it had in ZONE, and where one of them was. */
u64 step_length(enum step_zone zone);
u64 step_trace(enum step_zone zone, u64 index);

/*
 * And how many instructions, which is more: some machines, QEMU's TCG among them, hold the #DB back
 * behind STI too, so that the instruction in its shadow passes unseen. 0 if ZONE has more than
 * STEP_TRACE_MAX.
 */
u64 step_instructions(enum step_zone zone);
