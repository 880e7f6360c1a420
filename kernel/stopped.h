/* SPDX-License-Identifier: MIT */
/*
 * Stopping the other CPUs for a panic, and what they were doing. By NMI: a CPU that is stuck has
 * its interrupts off as likely as not. Only CPUs that are up get one: one that firmware keeps in
 * real mode would run into whatever lies at its NMI vector.
 */
#pragma once

#include "arch/x86_64/types.h"

/* Sends the NMIs; does not wait. The panicking CPU, once. */
void stop_other_cpus(void);

/*
 * Waits, for a bounded time, until they have stopped, and prints a line for each: where it was, or
 * that it takes no NMI. Registers and backtrace of those that were in ring 0 with interrupts off.
 */
void say_other_cpus(void);
