/* SPDX-License-Identifier: MIT */
/*
 * Whether a stretch of kernel code writes to a cache line, told by the CPU's own data breakpoints
 * (SDM Vol 3, 17.2.4): a #DB follows each write, also one that leaves the value as it was, and the
 * writes of other CPUs go unseen. So a line is counted that the code has to own, whoever looks.
 *
 * A CPU has four breakpoints of 8 bytes: a line takes two runs of the code, which has to do the
 * same each time. Whether an emulator has such breakpoints, for LOCKed writes, too, is told by
 * write_watch_works().
 *
 * Context of all: as insn_count(); writes of interrupt handlers that strike count, too.
 */
#pragma once

#include "arch/x86_64/types.h"

#define HALF_LINE (CACHE_LINE / 2)

/* Runs FUNC(ARG) once; whether it has written to the 32 bytes at HALF, on such a bound. */
bool half_line_written(const void *half, void (*func)(void *arg), void *arg);

/* How many lines of [START, START + BYTES), both on a line's bound: FUNC is run twice for each. */
u64 lines_written(const void *start, u64 bytes, void (*func)(void *arg), void *arg);

/* Tries it with writes of several kinds, a read, and a write next to a line. */
bool write_watch_works(void);

/* What the door and its owner share. */
struct write_watch_state {
	u64 hits; /* DR6: the breakpoints that were met */
};
