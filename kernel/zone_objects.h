/* SPDX-License-Identifier: MIT */
/*
 * Where the objects lie that an entry path may touch, taken from the running CPUs' own registers
 * and tables, and whether a flush of their addresses may be deferred: a row a kind.
 */
#pragma once

#include "arch/x86_64/types.h"
#include "kernel/report_lines.h"
#include "kernel/task.h"

/*
 * Asks every CPU where its objects lie. With PLANT the boot CPU has its IDT in the vmalloc area
 * meanwhile: the control. Boot CPU, interrupts on.
 */
void zone_objects_collect(bool plant);

/* Adds TASK's structure and its stack. Boot CPU. */
void zone_objects_add_task(const struct task *task);

/* Prints the rows. Returns how many lie where they must not. */
u32 zone_objects_print(report_write_fn write);
