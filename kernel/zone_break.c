/* SPDX-License-Identifier: MIT */
/*
 * The doors that break R3, see zone_break.h. What pointer and nmi read is the CPU's canary:
 * vmalloc'd, one a CPU, remapped by other CPUs at any time, so that reading it too early reads what
 * is not there any more. They are ordinary code and not noinstr: with two roots their first
 * instruction is not mapped, and that is where ring 3's root notices. In traced and table the door
 * itself is noinstr, and only what it does is wrong.
 */
#include "kernel/zone_break.h"

#include "arch/x86_64/breaks.h"
#include "arch/x86_64/doors.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/traps.h"
#include "arch/x86_64/types.h"
#include "kernel/canary.h"
#include "mm/vmalloc.h"

static struct door_ops inner __section(".entry.data");

/* In vmalloc'd memory, never remapped: an address of code. NULL without break=table. */
static void (**jump_table)(void) __section(".entry.data");

static u64 traced_calls;

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

/* Stands for a function with a tracer's call at its start: it lies in .text. */
static noinline void traced(void)
{
	WRITE_ONCE(traced_calls, READ_ONCE(traced_calls) + 1);
}

static noinstr void enter_traced(void)
{
	traced();
	inner.enter();
}

static noinstr void enter_inner(void)
{
	inner.enter();
}

static noinstr void enter_by_table(void)
{
	READ_ONCE (*jump_table)();
}

void zone_break_init(void)
{
	static const struct {
		u32 bit;
		struct door_ops ops;
	} wrong[] = {
		{BREAK_POINTER, {.enter = enter_reading}},
		{BREAK_EARLY, {.enter = enter_on_task_stack}},
		{BREAK_NMI, {.nmi_enter = nmi_enter_reading}},
		{BREAK_TRACED, {.enter = enter_traced}},
		{BREAK_TABLE, {.enter = enter_by_table}},
	};

	for (u32 i = 0; i < ARRAY_SIZE(wrong); i++)
		if (broken & wrong[i].bit)
			doors_wrap(&wrong[i].ops, &inner);
	if (!(broken & BREAK_TABLE))
		return;
	jump_table = vmalloc(PAGE_SIZE);
	if (!jump_table)
		panic("break=table: no memory for the table");
	*jump_table = enter_inner;
}
