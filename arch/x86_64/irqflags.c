/* SPDX-License-Identifier: MIT */
/*
 * The interrupt flag behind functions that a host test can replace; see irqflags.h.
 */
#include "arch/x86_64/irqflags.h"

#include "arch/x86_64/cpu.h"

u64 arch_local_irq_save(void)
{
	return local_irq_save();
}

void arch_local_irq_restore(u64 flags)
{
	local_irq_restore(flags);
}
