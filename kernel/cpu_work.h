/* SPDX-License-Identifier: MIT */
/*
 * What a CPU does besides waiting: one function at a time, handed over by the boot CPU. No
 * scheduler, no tick; between two works a CPU halts with interrupts on.
 */
#pragma once

#include "arch/x86_64/types.h"

typedef void (*cpu_work_t)(void *arg);

/*
 * Lets CPU (not the caller's) run WORK(ARG) on its idle stack with interrupts on. The CPU must
 * have finished its previous work. Wakes it by a cross-call.
 */
void cpu_work_start(unsigned int cpu, cpu_work_t work, void *arg);

/* True once CPU has finished its last work; what it wrote is then visible. */
bool cpu_work_done(unsigned int cpu);

/* Waits for that; panics after LIMIT_MS with the CPU's number and WHAT was awaited. */
void cpu_work_wait(unsigned int cpu, u64 limit_ms, const char *what);
