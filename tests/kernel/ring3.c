/* SPDX-License-Identifier: MIT */
/*
 * Ring-3 test programs, see ring3.h.
 */
#include "tests/kernel/ring3.h"

#include "arch/x86_64/cpu_number.h"
#include "arch/x86_64/paging.h"
#include "kernel/program.h"
#include "mm/frames.h"
#include "tests/kernel/probe.h"

#define END_LIMIT_MS 30000

bool ring3_create(struct ring3 *r, unsigned int cpu, const char *program, u64 arg)
{
	struct task_config config = {ktest_setup->options->vmap_stack, 0};
	const char *error = NULL;

	*r = (struct ring3){.cpu = cpu};
	r->task = task_create(program_find(program), cpu, &config, &error);
	if (!r->task) {
		ktest_fail(__FILE__, __LINE__, "no task of %s: %s", program, error);
		return false;
	}
	r->task->arg = arg;
	r->page_frame = frame_alloc_zeroed();
	r->data_frame = frame_alloc_zeroed();
	if (!r->page_frame || !r->data_frame ||
	    task_map(r->task, TEST_PAGE_VA, r->page_frame, PTE_WRITE | PTE_NX) ||
	    task_map(r->task, TEST_DATA_VA, r->data_frame, PTE_NX)) {
		ktest_fail(__FILE__, __LINE__, "no memory for the pages of %s", program);
		ring3_destroy(r);
		return false;
	}
	r->page = phys_to_virt(r->page_frame);
	r->data = phys_to_virt(r->data_frame);
	return true;
}

void ring3_start(struct ring3 *r)
{
	if (r->cpu == this_cpu_number())
		task_run(r->task);
	else
		cpu_work_start(r->cpu, task_run, r->task);
}

void ring3_join(struct ring3 *r)
{
	if (r->cpu != this_cpu_number())
		cpu_work_wait(r->cpu, END_LIMIT_MS, "end of a ring-3 test program");
}

void ring3_destroy(struct ring3 *r)
{
	if (r->task)
		task_destroy(r->task);
	if (r->page_frame)
		frame_free(r->page_frame);
	if (r->data_frame)
		frame_free(r->data_frame);
	r->task = NULL;
}

bool ring3_run(struct ring3 *r, unsigned int cpu, const char *program, u64 arg)
{
	if (!ring3_create(r, cpu, program, arg))
		return false;
	ring3_start(r);
	ring3_join(r);
	return true;
}

static void give_order(struct ring3 *r, enum loop_order order, u64 amount)
{
	r->page->order = order;
	r->page->amount = amount;
	r->page->order_number++;
}

bool ring3_order(struct ring3 *r, enum loop_order order, u64 amount)
{
	give_order(r, order, amount);
	return wait_until(END_LIMIT_MS, r->page->done_number == r->page->order_number);
}

void ring3_finish(struct ring3 *r)
{
	give_order(r, LOOP_EXIT, 0);
	ring3_join(r);
	EXPECT_EQ(r->task->exit_code, 0);
	ring3_destroy(r);
}
