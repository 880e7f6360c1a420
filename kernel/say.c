/* SPDX-License-Identifier: MIT */
/*
 * What a panic says of a CPU, see say.h.
 */
#include "kernel/say.h"

#include <stdarg.h>

#include "kernel/backtrace.h"
#include "kernel/console.h"
#include "kernel/format.h"

#define SAY_TEXT  400
#define FRAMES	  12 /* a panic on an 80x25 screen has room for them */
#define LINE_TEXT 68 /* of a chain of names; 12 columns stand before it */

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

/* Three a line: an 80x25 screen has to hold the whole report. */
void say_registers(const struct pt_regs *regs)
{
	const struct {
		const char *name;
		u64 value;
	} all[] = {
		{"rax", regs->rax}, {"rbx", regs->rbx}, {"rcx", regs->rcx}, {"rdx", regs->rdx},
		{"rsi", regs->rsi}, {"rdi", regs->rdi}, {"rbp", regs->rbp}, {"rsp", regs->rsp},
		{"r8 ", regs->r8},  {"r9 ", regs->r9},	{"r10", regs->r10}, {"r11", regs->r11},
		{"r12", regs->r12}, {"r13", regs->r13}, {"r14", regs->r14}, {"r15", regs->r15},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		say("%s %016lx%s", all[i].name, all[i].value,
		    i % 3 == 2 || i + 1 == ARRAY_SIZE(all) ? "\n" : "  ");
}

void say_backtrace(unsigned int cpu, u64 rip, u64 rsp)
{
	struct frame frames[FRAMES + 1];
	u32 n = backtrace(cpu, rip, rsp, frames, FRAMES + 1);

	say("called from (?: not confirmed):\n");
	for (u32 i = 0; i < min(n, (u32)FRAMES); i++) {
		char name[120];
		struct text text = text_in(name, sizeof(name));

		text_add_frame(&text, &frames[i]);
		say("  %016lx %s%s\n", frames[i].addr, name,
		    frames[i].kind == FRAME_INTERRUPTED ? ", interrupted" : "");
	}
	if (n > FRAMES)
		say("  and more\n");
}

/* As many as fit. */
void say_backtrace_line(unsigned int cpu, u64 rip, u64 rsp)
{
	struct frame frames[FRAMES];
	char line[LINE_TEXT];
	struct text text = text_in(line, sizeof(line));
	u32 n = backtrace(cpu, rip, rsp, frames, FRAMES);

	for (u32 i = 0; i < n; i++) {
		char buf[80];
		struct text name = text_in(buf, sizeof(buf));

		text_add_frame(&name, &frames[i]);
		if (i && text.used + name.used + sizeof(" <  < ...") > sizeof(line)) {
			text_add(&text, " < ...");
			break;
		}
		text_add(&text, "%s%s", i ? " < " : "", buf);
	}
	say("%s\n", line);
}
