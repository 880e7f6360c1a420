/* SPDX-License-Identifier: MIT */
/*
 * How many instructions a stretch of kernel code takes, exactly, on any machine: it is single
 * stepped (TF) by the CPU that runs it, and a #DB door of its own does nothing but count. So the
 * count is of what was executed, whatever the emulator or the clock do.
 *
 * Counted: every instruction of FUNC, from its first to its RET. Not counted: interrupt handlers
 * that strike meanwhile, and waits for other CPUs (smp_call_await()), which are counted as waits
 * and run at full speed. An instruction with REP counts once.
 */
#pragma once

#include "arch/x86_64/types.h"

struct insn_count {
	u64 instructions;
	u64 waits; /* for an answer of another CPU */
};

/*
 * Runs FUNC(ARG) once. Context: kernel's root, interrupts as FUNC wants them; one CPU at a time,
 * and no CPU armed for stepping (step.h): both own #DB's gate.
 */
struct insn_count insn_count(void (*func)(void *arg), void *arg);

/* What the door and its caller share. */
struct insn_count_state {
	u64 count;
	u64 waits;
	u64 last;   /* address of the last instruction seen; 0: none to compare with */
	u64 resume; /* where a wait goes on */
};
