/* SPDX-License-Identifier: MIT */
/*
 * What a panic says: straight to the console, whatever the log level, and short enough for a
 * screen of 80x25.
 */
#pragma once

#include "arch/x86_64/regs.h"

/* One piece of text. */
void say(const char *fmt, ...) __printf(1, 2);

/* All registers; a line a frame, or all frames on one line. */
void say_registers(const struct pt_regs *regs);
void say_backtrace(unsigned int cpu, u64 rip, u64 rsp);
void say_backtrace_line(unsigned int cpu, u64 rip, u64 rsp);
