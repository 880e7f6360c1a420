/* SPDX-License-Identifier: MIT */
/*
 * One turn of a waiting loop. On a CPU that is PAUSE. Under QEMU's TCG it is not: there PAUSE takes
 * the emulator's global lock, which the CPU that is waited for needs for every APIC access; and the
 * emulated CPUs share few cores, so a waiter that never rests holds the core that the CPU it waits
 * for has to run on. See relax.c.
 */
#pragma once

#include "arch/x86_64/types.h"

/*
 * Set by features_detect(): this is TCG. Cleared by who does nothing but take turns (run=sweep),
 * before other CPUs wait: with TCG's CPUs in one host thread PAUSE hands over to the next.
 */
extern bool relax_without_pause;

/* The turn under TCG. Any context but noinstr. */
void relax_emulated(void);

static inline void cpu_relax(void)
{
	if (unlikely(relax_without_pause))
		relax_emulated();
	else
		__asm__ volatile("pause" ::: "memory");
}
