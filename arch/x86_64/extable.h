/* SPDX-License-Identifier: MIT */
/*
 * Instructions of ring 0 that may fault, and where to go on when they do. A line in .extable names
 * both; the fault's vector is left in RAX's place so that the caller can tell what happened. An
 * instruction fetch faults where no table can name it: percpu.fault_fixup, if not 0, is where the
 * CPU's next unexpected exception goes on, once.
 */
#pragma once

#include "arch/x86_64/regs.h"

struct extable_entry {
	u64 insn;
	u64 fixup;
};

/* For inline asm: the instruction at label FROM goes on at TO after a fault, vector in RAX. */
#define EXTABLE(from, to)                                                                          \
	".pushsection .extable, \"a\"\n\t"                                                         \
	".quad " from ", " to "\n\t"                                                               \
	".popsection\n\t"

/* Ring 0 took an exception: true if its place was expected to. Exception context. */
bool extable_fixup(struct pt_regs *regs);
