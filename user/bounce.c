/* SPDX-License-Identifier: MIT */
/*
 * bounce: an isolated CPU that does enter the kernel now and then. Its rate is counted in purges,
 * not in time: after each entry it waits in ring 3 for a random number of further flushes, between
 * storm_page.bounce_every and twice that, or for none at all one time in four, so that entries fall
 * at every phase of a purge. Each entry reads and warms the CPU's canary.
 */
#include "user/lib.h"

u64 program(u64 arg)
{
	u64 random = STORM_PAGE->seed * 0x9e3779b97f4a7c15UL + arg + 1;

	syscall3(SYS_PROBE, 0, 0, 0);
	for (;;) {
		u64 every = STORM_PAGE->bounce_every;
		u64 goal = STORM_PAGE->purges;

		if (next_random(&random) % 4)
			goal += every + (every ? next_random(&random) % every : 0);
		while (STORM_PAGE->purges < goal) {
			if (STORM_PAGE->command == STORM_FINISH)
				return 0;
		}
		if (STORM_PAGE->command == STORM_FINISH)
			return 0;
		syscall3(SYS_PROBE, 0, 0, 0);
	}
}
