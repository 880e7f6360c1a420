/* SPDX-License-Identifier: MIT */
/*
 * The same ring-3 program on several CPUs, one task each, which stay until they are told to finish.
 * One crew at a time.
 *
 * Context of all: boot CPU, interrupts on.
 */
#pragma once

#include "arch/x86_64/cpumask.h"
#include "kernel/task.h"
#include "user/syscall.h"

struct crew_config {
	const char *program; /* ends when storm_page.command is STORM_FINISH; first a SYS_PROBE */
	struct cpumask members; /* idle CPUs, those of them that are online */
	bool vmap_stack;
	u64 seed, bounce_every;	     /* for the program, see struct storm_page */
	struct spin_report *reports; /* NULL, or one a CPU: what the program hands over */
};

/*
 * Starts them and returns when each has probed and is back in ring 3. Panics, naming the CPU, on
 * one that does not get there.
 */
void crew_start(const struct crew_config *config);

/* What the crew's programs read at STORM_PAGE_VA. */
struct storm_page *crew_page(void);

/*
 * Tells them to finish and waits until all have. Where one was ended by the kernel, ERR says which
 * and why, unless there is a text in it already.
 */
void crew_finish(char *err, size_t errlen);

/* Gives back what their tasks had: may flush, so it is apart from their end. */
void crew_dismiss(void);
