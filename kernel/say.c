/* SPDX-License-Identifier: MIT */
/*
 * What a panic says of a CPU, see backtrace.h.
 */
#include <stdarg.h>

#include "kernel/backtrace.h"
#include "kernel/console.h"
#include "kernel/format.h"

#define SAY_TEXT  400
#define FRAMES	  24
#define LINE_TEXT 84 /* of a chain of names; 16 columns stand before it */

void say(const char *fmt, ...)
{
	char line[SAY_TEXT];
	va_list args;
	int length;

	va_start(args, fmt);
	length = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	console_write(line, min((size_t)length, sizeof(line) - 1));
}

void say_registers(const struct pt_regs *regs)
{
	say("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", regs->rax, regs->rbx, regs->rcx,
	    regs->rdx);
	say("rsi %016lx  rdi %016lx  rbp %016lx  rsp %016lx\n", regs->rsi, regs->rdi, regs->rbp,
	    regs->rsp);
	say("r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx\n", regs->r8, regs->r9, regs->r10,
	    regs->r11);
	say("r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx\n", regs->r12, regs->r13, regs->r14,
	    regs->r15);
}

void say_backtrace(unsigned int cpu, u64 rip, u64 rsp)
{
	struct frame frames[FRAMES];
	u32 n = backtrace(cpu, rip, rsp, frames, FRAMES);

	say("called from (? may be left over from an earlier call):\n");
	for (u32 i = 0; i < n; i++) {
		char name[120];
		struct text text = text_in(name, sizeof(name));

		text_add_frame(&text, &frames[i]);
		say("  %016lx %s\n", frames[i].addr, name);
	}
}

void say_backtrace_line(unsigned int cpu, u64 rip, u64 rsp)
{
	struct frame frames[FRAMES];
	char line[LINE_TEXT];
	struct text text = text_in(line, sizeof(line));
	u32 n = backtrace(cpu, rip, rsp, frames, FRAMES);

	for (u32 i = 0; i < n; i++) {
		if (!frames[i].certain)
			continue;
		if (i)
			text_add(&text, " < ");
		text_add_frame(&text, &frames[i]);
	}
	say("%s\n", line);
}
