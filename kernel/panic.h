/* SPDX-License-Identifier: MIT */
/*
 * The parts of a panic (arch/x86_64/log.h), for an end that has more to tell.
 */
#pragma once

/*
 * Stops the other CPUs and takes over the console. Only one CPU comes back from it, once; the
 * others wait here to be stopped.
 */
void panic_begin(void);

/* Prints a part of the report. */
void panic_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The newest records of trace=, and the end of the machine. */
_Noreturn void panic_end(void);
