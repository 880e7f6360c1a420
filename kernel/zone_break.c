/* SPDX-License-Identifier: MIT */
/*
 * The doors that break R3, see zone_break.h. What they read is the CPU's canary: vmalloc'd, one a
 * CPU, remapped by other CPUs at any time, so that reading it too early reads what is not there any
 * more. They are ordinary code and not noinstr: with two roots their first instruction is not
 * mapped, and that is where ring 3's root notices.
 */
#include "kernel/zone_break.h"

#include "arch/x86_64/breaks.h"
#include "arch/x86_64/doors.h"
#include "arch/x86_64/traps.h"
#include "arch/x86_64/types.h"
#include "kernel/canary.h"

static struct door_ops inner __section(".entry.data");

static void enter_reading(void)
{
	canary_check_local();
	inner.enter();
}

static u64 nmi_enter_reading(void)
{
	canary_check_nmi_local();
	return inner.nmi_enter();
}

void zone_break_init(void)
{
	static const struct door_ops pointer = {.enter = enter_reading};
	static const struct door_ops early = {.enter = enter_on_task_stack};
	static const struct door_ops nmi = {.nmi_enter = nmi_enter_reading};

	if (broken & BREAK_POINTER)
		doors_wrap(&pointer, &inner);
	else if (broken & BREAK_EARLY)
		doors_wrap(&early, &inner);
	else if (broken & BREAK_NMI)
		doors_wrap(&nmi, &inner);
}
