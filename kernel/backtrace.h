/* SPDX-License-Identifier: MIT */
/*
 * Where code was called from, read off its stack, with names (symbols.h). The kernel is built
 * without frame pointers and without unwind tables, so a stack word counts if the instruction
 * before the address that it holds is a CALL. Such a word may be left over from an earlier call;
 * it is certain when that CALL goes to the function of the last certain frame. A call through a
 * pointer, or of a function that ends in a jump to the next, ends that chain.
 */
#pragma once

#include "arch/x86_64/regs.h"
#include "kernel/parse.h"

struct frame {
	u64 addr;     /* in the kernel's code, or ring 3's RIP */
	bool certain; /* else it may be left over from an earlier call */
	bool ring3;   /* the last frame */
};

/*
 * The frames from RIP outwards, RIP itself the first; RSP is its stack pointer. CPU: whose stack it
 * is. Goes on through interrupts and exceptions. Returns how many of MAX were found. Reads only
 * what is mapped; the stack must be this CPU's or a stopped one's. Any context but noinstr.
 */
u32 backtrace(unsigned int cpu, u64 rip, u64 rsp, struct frame *out, u32 max);

/* A frame's name; "? " before one that is not certain. */
void text_add_frame(struct text *text, const struct frame *frame);

/* --- For panics: straight to the console, whatever the log level ------------------------------ */

/* One piece of text. */
void say(const char *fmt, ...) __printf(1, 2);

/* All registers; a line a frame, or all frames on one line. */
void say_registers(const struct pt_regs *regs);
void say_backtrace(unsigned int cpu, u64 rip, u64 rsp);
void say_backtrace_line(unsigned int cpu, u64 rip, u64 rsp);
