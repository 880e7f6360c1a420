/* SPDX-License-Identifier: MIT */
/*
 * The exception table: short, searched in order, only on the way to a panic otherwise.
 */
#include "arch/x86_64/extable.h"

#include "arch/x86_64/percpu.h"

extern const struct extable_entry extable_start[], extable_end[];

/* The table first: an NMI's own expected fault must not take the fixup of what it interrupted. */
bool extable_fixup(struct pt_regs *regs)
{
	u64 once = this_cpu()->fault_fixup;
	u64 fixup = 0;

	for (const struct extable_entry *e = extable_start; e < extable_end && !fixup; e++)
		if (e->insn == regs->rip)
			fixup = e->fixup;
	if (!fixup && once) {
		this_cpu()->fault_fixup = 0;
		fixup = once;
	}
	if (!fixup)
		return false;
	regs->rip = fixup;
	regs->rax = regs->vector;
	return true;
}
