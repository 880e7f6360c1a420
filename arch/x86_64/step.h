/* SPDX-License-Identifier: MIT */
/*
 * Stepping: a CPU is stopped before any wanted instruction of its way, while everybody else goes
 * on. Two CPUs may be stepped at a time: the target, which goes into the kernel and out of it, and
 * the initiator, which purges. A third track follows a handler that strikes the target while that
 * is stopped (an NMI in the danger zone).
 *
 * A track begins in one of two ways. Ring 3 sets TF right before its SYSCALL: while a CPU is armed,
 * its FMASK leaves TF alone. Gates clear TF, so every other door, and a function of the kernel,
 * begins with an instruction breakpoint (DR0) on its first instruction. In both cases #DB has a
 * door of its own (step.asm), which counts the instruction, waits there if it is the wanted one,
 * and lets the next trap again. A track ends at the #DB behind SYSRET or IRET, at a given address,
 * or when the CPU is let go for good. Handlers that come in between are not stepped.
 *
 * A position is a zone and an index. The zones are counted each from its first instruction, since
 * the part between them varies: entry up to danger_zone_end, the kernel's C part, exit from
 * exit_zone_begin on; a track says where the last two begin. A CPU stopped at a position has not
 * executed that instruction yet.
 *
 * No wait depends on time: the stopped CPU waits for a word, its controller for the stop or for the
 * end of the track. Both have limits, beyond which the machine stops and names CPU and place.
 *
 * Context of all functions: the controller, interrupts on.
 */
#pragma once

#include "arch/x86_64/types.h"

enum step_zone { STEP_ZONE_ENTRY, STEP_ZONE_KERNEL, STEP_ZONE_EXIT, STEP_ZONES };

#define STEP_ZONE_SHIFT	     16
#define STEP_AT(zone, index) ((u64)(zone) << STEP_ZONE_SHIFT | (index))
#define STEP_NOWHERE	     (~0UL)
#define STEP_TO_THE_END	     (~0UL - 1) /* no position either, but goes on being stepped */
#define STEP_NEXT	     (~0UL - 2) /* wherever it comes next */

/* So many addresses of each zone are kept. */
#define STEP_TRACE_MAX 4096

/* NESTED belongs to the target's CPU, too, and lies behind it: step.asm relies on the order. */
enum step_track { STEP_TARGET, STEP_NESTED, STEP_INITIATOR, STEP_TRACKS };

/* Where a track begins by breakpoint, changes zones and ends. 0: nowhere. */
struct step_route {
	u64 begin;
	u64 kernel; /* first instruction of the zone "kernel" */
	u64 exit;   /* and of the zone "exit" */
	u64 end;    /* not stepped any more */
};

/* What the interrupted CPU pushes and the door saves: see step.asm. */
#define STEP_FRAME_WORDS 9

/* What the door and its controller share. */
struct step_state {
	u64 position; /* of the last instruction counted */
	u64 wanted;   /* where to stop, STEP_NOWHERE */
	u64 rip;      /* where it stopped */
	u64 rsp;
	u64 stops;	/* raised by the door when it stops */
	u64 released;	/* follows when it may go on */
	u64 ended;	/* the track is over, TF is clear again */
	u64 late;	/* nobody released it in time */
	u64 limit;	/* of that, TSC ticks */
	u64 pause;	/* PAUSE while waiting */
	u64 active;	/* a breakpoint begins the track */
	u64 waiting;	/* stopped: what comes now is nested */
	u64 looks;	/* raised while waiting */
	u64 stack_top;	/* of its CPU's #DB stack, by which the door knows whose it is */
	u64 door_rip;	/* 0, or a stub that the next #DB in ring 3, or the release, leads to */
	u64 door_stack; /* where that door's hardware frame begins */
	struct step_route route;
	u64 frame[STEP_FRAME_WORDS]; /* kept while waiting: a nested track uses the same stack */
	u64 length[STEP_ZONES];	     /* instructions counted */
	u64 trace[STEP_ZONES][STEP_TRACE_MAX];
};

/* Here for the door's test alone. */
extern struct step_state step_states[STEP_TRACKS];

/*
 * Lets CPU be TRACK: STEP_TARGET or STEP_INITIATOR. It is idle or in ring 3. The target's route is
 * SYSCALL's until another one is set.
 */
void step_arm(enum step_track track, unsigned int cpu);

/* Puts everything back. The same. */
void step_disarm(enum step_track track);

/*
 * The route of a track from now on, and the breakpoint that it begins with: it is the CPU's only
 * one, so a nested track's takes the place of the target's. The CPU takes a cross-call.
 */
void step_set_route(enum step_track track, const struct step_route *route);

/* Before the CPU is sent on its way: where it shall stop first. */
void step_begin(enum step_track track, u64 wanted);

/*
 * The same for the target and a door that nobody strikes: where ring 3 sets TF, it goes on in the
 * stub of VECTOR, an interrupt's or the NMI's, as if that had struck, and comes back by that door's
 * own IRET. It needs no breakpoint, which Bochs passes by on an NMI's stub. But what hardware does
 * between the two is not in it: no interrupt is in service, and NMIs are not blocked meanwhile. For
 * counts; the sweep's doors are struck.
 */
void step_begin_door(unsigned int vector);

/*
 * Waits for the stop or the end: true if it is stopped. OVER, if not NULL, tells of an end that
 * the door does not see.
 */
bool step_wait(enum step_track track, bool (*over)(void));

/* Lets the stopped CPU go on to NEXT; STEP_NOWHERE: it is not stepped any more. */
void step_release(enum step_track track, u64 next);

/*
 * Lets the stopped target go on in #MC's door, as if that had struck before the instruction where
 * it is: with that one's address and stack in its frame, unlike an NMI that strikes while the CPU
 * waits here. The door is not stepped. Behind its end the target stops again, at that instruction
 * if #MC came back by RET and else at the next one; or its track is over, since it is in ring 3.
 */
void step_strike_mc(void);

/* Is it stopped, or is the track over; where it stopped, and its stack pointer there. */
bool step_is_stopped(enum step_track track);
bool step_has_ended(enum step_track track);
u64 step_rip(enum step_track track);
u64 step_rsp(enum step_track track);

/* How often a stopped CPU has looked for the word to go on: it moves while nothing else runs. */
u64 step_looks(enum step_track track);

/* Of the track that is over: how many #DBs it had in ZONE, and where one of them was. */
u64 step_length(enum step_track track, enum step_zone zone);
u64 step_trace(enum step_track track, enum step_zone zone, u64 index);

/*
 * And how many instructions, which is more: some machines, QEMU's TCG among them, hold the #DB back
 * behind STI too, so that the instruction in its shadow passes unseen. 0 if ZONE has more than
 * STEP_TRACE_MAX.
 */
u64 step_instructions(enum step_track track, enum step_zone zone);
