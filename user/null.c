/* SPDX-License-Identifier: MIT */
/*
 * null: the emptiest system call, over and over, for counting its instructions.
 */
#include "user/lib.h"

u64 program(u64 arg)
{
	(void)arg;
	while (STORM_PAGE->command != STORM_FINISH)
		syscall3(SYS_NULL, 0, 0, 0);
	return 0;
}
