/* SPDX-License-Identifier: MIT */
/*
 * stay: an isolated CPU that does nothing but be in ring 3 until it is told to finish. Its turn is
 * a PAUSE, so that of many emulated CPUs on few cores those that have work get them.
 */
#include "user/lib.h"

u64 program(u64 arg)
{
	syscall3(SYS_PROBE, 0, 0, 0);
	while (STORM_PAGE->command != STORM_FINISH)
		pause();
	return arg;
}
