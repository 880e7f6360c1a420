/* SPDX-License-Identifier: MIT */
/*
 * A ring-3 test program (user/test_*.c) on a CPU, with its two pages: what a suite does to make
 * something happen in ring 3.
 */
#pragma once

#include "kernel/task.h"
#include "user/test.h"

struct ring3 {
	struct task *task;
	volatile struct test_page *page; /* TEST_PAGE_VA */
	u64 *data;			 /* TEST_DATA_VA, which ring 3 only reads */
	phys_addr_t data_frame;
	phys_addr_t page_frame;
	unsigned int cpu;
};

/* Makes a task of PROGRAM for CPU; a failure is reported as the test's. Interrupts on. */
bool ring3_create(struct ring3 *r, unsigned int cpu, const char *program, u64 arg);

/* Lets it run: on another CPU and at once, or on the caller's, and then to its end. */
void ring3_start(struct ring3 *r);

/* Waits for its end. */
void ring3_join(struct ring3 *r);

/* Gives everything back. */
void ring3_destroy(struct ring3 *r);

/* All of that; the task stays for the caller to look at until ring3_destroy(). */
bool ring3_run(struct ring3 *r, unsigned int cpu, const char *program, u64 arg);

/* Gives test_loop an order; true if it was carried out. Not for orders that end it. */
bool ring3_order(struct ring3 *r, enum loop_order order, u64 amount);

/* Ends test_loop by LOOP_EXIT with code 0 and gives everything back. */
void ring3_finish(struct ring3 *r);
