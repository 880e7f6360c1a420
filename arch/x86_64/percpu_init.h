/* SPDX-License-Identifier: MIT */
/*
 * Setting up per-CPU blocks: once a CPU, by the boot CPU.
 */
#pragma once

#include "arch/x86_64/types.h"

/* Fills in CPU's block and user page; its area is mapped. Boot CPU. */
void percpu_init(unsigned int cpu, u32 apic_id, u64 tsc_khz);

/* The calling CPU takes part in cross-calls from now on. Interrupts off, APIC on. */
void percpu_set_online(void);

/*
 * Goes on as if the machine had only its first NR CPUs, or all again: the others are asked for
 * nothing and told nothing meanwhile, so they must be idle and have no task. They have flushed
 * nothing: call select_policy(), which lets every CPU flush, before any is given work again. Boot
 * CPU, no purge under way.
 */
void percpu_limit_online(unsigned int nr);
