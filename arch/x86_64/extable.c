/* SPDX-License-Identifier: MIT */
/*
 * The exception table: short, searched in order, only on the way to a panic otherwise.
 */
#include "arch/x86_64/extable.h"

#include "arch/x86_64/percpu.h"

extern const struct extable_entry extable_start[], extable_end[];

bool extable_fixup(struct pt_regs *regs)
{
	u64 once = this_cpu()->fault_fixup;

	if (once) {
		this_cpu()->fault_fixup = 0;
		regs->rip = once;
		regs->rax = regs->vector;
		return true;
	}
	for (const struct extable_entry *e = extable_start; e < extable_end; e++) {
		if (e->insn == regs->rip) {
			regs->rip = e->fixup;
			regs->rax = regs->vector;
			return true;
		}
	}
	return false;
}
