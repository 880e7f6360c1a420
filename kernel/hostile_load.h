/* SPDX-License-Identifier: MIT */
/*
 * What goes on beside hostile operations: a task on another CPU that must not be harmed, and, from
 * the boot CPU, purges and NMIs, so that the policy's hooks have work at every entry.
 */
#pragma once

#include "kernel/task.h"
#include "user/syscall.h"

struct hostile_load {
	unsigned int target, victim;
	bool purge, nmi;	/* not under policies that claim a defect which that would meet */
	bool spurious_is_wrong; /* R9 is promised */
	u64 purges, nmis;
	u64 canary_checks;
	struct task *task;
	phys_addr_t storm_frame;
	struct victim_report report;
};

/* Starts the victim and resets the counts. NULL, or what went wrong. Boot CPU, interrupts on. */
const char *hostile_load_begin(struct hostile_load *load, u64 seed, bool vmap_stack);

/* One turn: a purge of the target's canary, NMIs now and then. */
void hostile_load_step(struct hostile_load *load);

/* Ends the victim. NULL, or what was found: harm, or an old or lost translation. */
const char *hostile_load_end(struct hostile_load *load);

/* plant=victim: changes a word of the victim's memory. */
void hostile_load_harm(struct hostile_load *load);

/* plant=entry: an interrupt of its CPU's timer, and waits until it was taken. */
void hostile_load_interrupt(const struct hostile_load *load);
