/* SPDX-License-Identifier: MIT */
/*
 * Who called whom, read from a stack without frame pointers: these would cost every function of the
 * measured paths. Every word of the stack that is the address behind a call instruction may be a
 * return address, or be left of an earlier call. Those are chosen that make one chain from where
 * the CPU is to where its stack begins, each calling the function below it, with the fewest steps
 * that no call instruction confirms. Such a step (a call through a pointer, a tail call) is marked
 * with a question mark, as Linux marks what it is not sure of.
 */
#pragma once

#include "arch/x86_64/types.h"

#define BACKTRACE_FRAMES 16

enum frame_kind {
	FRAME_HERE,	   /* where the CPU was */
	FRAME_CALL,	   /* sure */
	FRAME_GUESS,	   /* nothing confirms that it called the one below */
	FRAME_INTERRUPTED, /* an exception or interrupt struck here */
	FRAME_RING3	   /* it came from ring 3; the address is ring 3's, or 0 */
};

struct backtrace {
	u32 nr;
	bool cut; /* there is more */
	struct {
		enum frame_kind kind;
		u64 addr;
	} frame[BACKTRACE_FRAMES];
};

/* From RIP, with the stack at RSP. The stack must not be in use meanwhile. Any context. */
void backtrace_from(struct backtrace *out, u64 rip, u64 rsp);

/* From the caller. */
void backtrace_here(struct backtrace *out);

/* One line a frame: address, name. */
void backtrace_print(const struct backtrace *trace, void (*print)(const char *fmt, ...));
