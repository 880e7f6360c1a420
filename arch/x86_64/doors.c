/* SPDX-License-Identifier: MIT */
/*
 * The doors' table, see doors.h. It lies with the entry data: a door reads it before the danger
 * zone ends.
 */
#include "arch/x86_64/doors.h"

#include "arch/x86_64/log.h"

struct door_ops doors __section(".entry.data");

/* stack=task: what the two thunks in entry.asm call on the task's stack. */
struct door_ops task_stack_ops __section(".entry.data");

bool hooks_on_task_stack;

static struct {
	const struct door_ops *ops;
	struct door_ops *inner;
} wraps[MAX_DOOR_WRAPS];
static unsigned int nr_wraps;

void doors_wrap(const struct door_ops *ops, struct door_ops *inner)
{
	BUG_ON(nr_wraps == MAX_DOOR_WRAPS);
	wraps[nr_wraps].ops = ops;
	wraps[nr_wraps++].inner = inner;
}

static void put_around(const struct door_ops *ops, struct door_ops *inner)
{
	*inner = doors;
	doors.enter = ops->enter ? ops->enter : doors.enter;
	doors.exit = ops->exit ? ops->exit : doors.exit;
	doors.nmi_enter = ops->nmi_enter ? ops->nmi_enter : doors.nmi_enter;
	doors.nmi_exit = ops->nmi_exit ? ops->nmi_exit : doors.nmi_exit;
}

void doors_set(const struct door_ops *ops, bool on_task_stack)
{
	task_stack_ops = *ops;
	doors = *ops;
	hooks_on_task_stack = on_task_stack;
	if (on_task_stack) {
		doors.enter = enter_on_task_stack;
		doors.exit = exit_on_task_stack;
	}
	for (unsigned int i = 0; i < nr_wraps; i++)
		put_around(wraps[i].ops, wraps[i].inner);
}
