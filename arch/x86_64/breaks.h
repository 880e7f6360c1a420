/* SPDX-License-Identifier: MIT */
/*
 * break=: the positive controls. Each breaks one thing that a verdict rests on, so that a test can
 * watch the verdict notice. Zero in an honest run; a run with any bit set never says pass.
 */
#pragma once

#include "arch/x86_64/types.h"

enum {
	BREAK_DRAIN = 1 << 0,	   /* a deferred flush is counted but not executed */
	BREAK_IPI = 1 << 1,	   /* purges leave out the isolated CPUs that need an IPI */
	BREAK_UNDERCOUNT = 1 << 2, /* flush callbacks beyond the 100th are not counted */
	BREAK_GAP = 1 << 3,	   /* a timer disturbs isolated CPUs and its door hides the cause */
	BREAK_FILL = 1 << 4,	   /* canaries are not brought into the TLB before their purge */
	BREAK_STAMP = 1 << 5,	   /* full flushes do not stamp the generation oracle */
	BREAK_AP = 1 << 6,	   /* the first CPU that is called never answers */
	/* R3, kernel/zone_break.c: */
	BREAK_POINTER = 1 << 7, /* the way in reads vmalloc'd memory before the policy's hook */
	BREAK_EARLY = 1 << 8,	/* it switches to the task's stack before it */
	BREAK_NMI = 1 << 9,	/* an NMI's handler reads it before nmi_enter */
	BREAK_TRACED = 1 << 10, /* the way in calls a function that is not noinstr */
	BREAK_TABLE = 1 << 11,	/* it jumps by way of a table in vmalloc'd memory */
};

/* Written before the other CPUs start (and by tests, which put it back). Readable in the danger
 * zone. */
extern u32 broken;
