/* SPDX-License-Identifier: MIT */
/*
 * The time stamp counter: calibrated once, used for limits and for gaps in ring 3. No verdict
 * rests on a time.
 */
#pragma once

#include "arch/x86_64/types.h"

/* kHz; never 0 after tsc_calibrate(). */
extern u64 tsc_khz;

/* Against PIT channel 2, else CPUID 15H or 16H, else 1 GHz with a warning. Boot CPU, IRQs off. */
void tsc_calibrate(void);

u64 tsc_to_ns(u64 ticks);
void udelay(u64 microseconds);

/* A limit MS milliseconds from now, and whether it has passed. */
u64 tsc_deadline(u64 ms);
bool tsc_passed(u64 deadline);
