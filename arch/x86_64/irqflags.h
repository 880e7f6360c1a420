/* SPDX-License-Identifier: MIT */
/*
 * The interrupt flag for code that is also compiled for the host: real functions, so that a host
 * test defines its own (CLI faults in a process). Everything else uses the inline ones of cpu.h.
 */
#pragma once

#include "arch/x86_64/types.h"

/* Disables interrupts and returns the flags as they were. Any context, NMIs too. */
u64 arch_local_irq_save(void);

/* Enables interrupts again if FLAGS, from arch_local_irq_save(), had them enabled. */
void arch_local_irq_restore(u64 flags);
