/* SPDX-License-Identifier: MIT */
/*
 * What the doors of the kernel call on the ring 3 boundary: the one table through which a flush
 * policy is reached. The entry code knows no policy; selecting one is writing these pointers while
 * every CPU is in the kernel (mm/policy/list.c), so no policy costs another a test on its way in.
 *
 * All four are noinstr, run with interrupts off on the entry stack (or the IST stack), and are
 * inside the danger zone: R3 binds them.
 */
#pragma once

#include "arch/x86_64/types.h"

struct door_ops {
	void (*enter)(void);	     /* ring 3 -> kernel, before danger_zone_end */
	void (*exit)(void);	     /* kernel -> ring 3, last call before the frame is popped */
	u64 (*nmi_enter)(void);	     /* NMI, #MC, #DB, #DF: from any instruction */
	void (*nmi_exit)(u64 saved); /* with what nmi_enter returned, kept on the door's stack */
};

/* Written only by doors_set(), while no CPU is in ring 3 or between a door and its C handler. */
extern struct door_ops doors;

/* stack=task is in force: the enter and exit hooks run on the task's stack. Set by doors_set(). */
extern bool hooks_on_task_stack;

/* The thunks of stack=task (entry.asm), and what break=early makes the way in begin with. */
void enter_on_task_stack(void);
void exit_on_task_stack(void);

/*
 * Points the doors at OPS. With ON_TASK_STACK the enter and exit hooks run on the running task's
 * kernel stack, as the posted v2 to v4 did: the one named exception to R3.
 * Context: all other CPUs stopped with interrupts off (stop_cpus()).
 */
void doors_set(const struct door_ops *ops, bool on_task_stack);

/*
 * Puts OPS around whatever doors_set() will set, which goes to *INNER; a member of OPS that is NULL
 * leaves that door as it is. The next one goes around this one. INNER has to lie in .entry.data.
 * For what watches the zone and for broken controls. Boot CPU, before doors_set() matters; at most
 * MAX_DOOR_WRAPS.
 */
#define MAX_DOOR_WRAPS 3
void doors_wrap(const struct door_ops *ops, struct door_ops *inner);

/* The danger zone on the way in: first instruction of SYSCALL's door, first one after enter. */
extern const char danger_zone_begin[], danger_zone_end[];
/* On the way out: the call of exit, and the first byte after the last IRET or SYSRET. */
extern const char exit_zone_begin[], exit_zone_end[];
/* The same for NMI, #MC and #DB in ring 0: behind nmi_enter, and before nmi_exit. */
extern const char paranoid_zone_end[], paranoid_exit_begin[];
