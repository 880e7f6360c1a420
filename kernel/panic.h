/* SPDX-License-Identifier: MIT */
/*
 * The parts of a panic (arch/x86_64/log.h), for an end that has more to tell: begin, say()
 * (say.h), end.
 */
#pragma once

#include "arch/x86_64/types.h"

/*
 * Stops the other CPUs, takes over the console and prints the newest records of trace=. Only one
 * CPU comes back from it, once; the others wait here to be stopped. WHAT and RIP are for the line
 * that is printed if this CPU panics again in the middle of its report.
 */
void panic_begin(const char *what, u64 rip);

/* Who called whom, from RIP with its stack at RSP and on the other CPUs; the end of the machine. */
_Noreturn void panic_end(u64 rip, u64 rsp);
