/* SPDX-License-Identifier: MIT */
/*
 * Who called whom, read off a stack, with names (symbols.h). The kernel is built without frame
 * pointers, which would cost every function of the measured paths, and without unwind tables. So a
 * stack word counts if the instruction before the address that it holds is a CALL; it may be left
 * over from an earlier call. Those words are chosen that make one chain from where the CPU is to
 * where its stack begins, each calling the function below it, with the fewest steps that no
 * CALL's target confirms. Such a step (a call through a pointer, a tail call) is marked by a
 * question mark.
 */
#pragma once

#include "arch/x86_64/regs.h"
#include "kernel/parse.h"

enum frame_kind {
	FRAME_HERE,	   /* where the CPU was */
	FRAME_CALL,	   /* sure, if the frame below is */
	FRAME_GUESS,	   /* no CALL's target says that it called the one below */
	FRAME_INTERRUPTED, /* an exception or interrupt struck here */
	FRAME_RING3	   /* the last one: it came from ring 3, at ring 3's address */
};

struct frame {
	u64 addr;
	enum frame_kind kind;
};

/*
 * The frames from RIP outwards, RIP itself the first; RSP is its stack pointer. CPU: whose stack it
 * is. Goes on through interrupts and exceptions. Returns how many of MAX were found. Reads only
 * what is mapped; the stack must be this CPU's or a stopped one's. One CPU at a time. Any context
 * but noinstr.
 */
u32 backtrace(unsigned int cpu, u64 rip, u64 rsp, struct frame *out, u32 max);

/* A frame's name; "? " before a guess. */
void text_add_frame(struct text *text, const struct frame *frame);
