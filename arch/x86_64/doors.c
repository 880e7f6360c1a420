/* SPDX-License-Identifier: MIT */
/*
 * The doors' table, see doors.h. It lies with the entry data: a door reads it before the danger
 * zone ends.
 */
#include "arch/x86_64/doors.h"

struct door_ops doors __section(".entry.data");

/* stack=task: what the two thunks in entry.asm call on the task's stack. */
struct door_ops task_stack_ops __section(".entry.data");

void enter_on_task_stack(void);
void exit_on_task_stack(void);

void doors_set(const struct door_ops *ops, bool on_task_stack)
{
	task_stack_ops = *ops;
	doors = *ops;
	if (on_task_stack) {
		doors.enter = enter_on_task_stack;
		doors.exit = exit_on_task_stack;
	}
}
