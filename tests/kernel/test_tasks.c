/* SPDX-License-Identifier: MIT */
/*
 * Tasks from creation to their last frame: exit codes, system calls, programs that are refused, and
 * that everything comes back. Frames are counted before and after: a page that a task's end forgets
 * is one frame less each time.
 */
#include "kernel/task.h"

#include "arch/x86_64/percpu.h"
#include "arch/x86_64/string.h"
#include "kernel/program.h"
#include "mm/frames.h"
#include "mm/vmalloc.h"
#include "tests/kernel/probe.h"
#include "tests/kernel/ring3.h"
#include "user/syscall.h"

static unsigned int target(void)
{
	return nr_online_cpus() - 1;
}

static void exit_with(unsigned int cpu, u64 code)
{
	struct ring3 r;

	if (!ring3_create(&r, cpu, "test_loop", 0))
		return;
	r.page->order = LOOP_EXIT;
	r.page->amount = code;
	r.page->order_number = 1;
	ring3_start(&r);
	ring3_join(&r);
	EXPECT_EQ(r.task->exit_code, code);
	EXPECT(r.task->ended);
	EXPECT_EQ(r.task->fault[0], 0);
	EXPECT(!percpu(cpu)->current);
	EXPECT_EQ(cpumask_weight(&r.task->mm.cpus), 0);
	ring3_destroy(&r);
}

KTEST(tasks, exit_codes_on_every_cpu)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		exit_with(cpu, 0);
		exit_with(cpu, 1000 + cpu);
		exit_with(cpu, ~0UL);
	}
}

/* Page tables of the vmalloc area and objects in reserve stay: they are there after a few rounds.
 */
KTEST(tasks, every_frame_comes_back)
{
	u64 free = 0;

	for (u32 round = 0; round < 60; round++) {
		exit_with(target(), round);
		vm_unmap_aliases();
		if (round == 9)
			free = frame_counts().free;
	}
	EXPECT_EQ(frame_counts().free, free);
}

/* A task that was never run gives back the same. */
KTEST(tasks, unused_tasks_come_back)
{
	u64 free = 0;

	for (u32 round = 0; round < 20; round++) {
		struct ring3 r;

		ASSERT(ring3_create(&r, target(), "test_doors", 0));
		ring3_destroy(&r);
		vm_unmap_aliases();
		if (round == 9)
			free = frame_counts().free;
	}
	EXPECT_EQ(frame_counts().free, free);
}

/* vmap_stack: the stack is a live area of the vmalloc range, and one that was freed serves again.
 */
KTEST(tasks, kernel_stacks)
{
	u64 seen[4] = {0};

	vm_unmap_aliases();
	for (u32 i = 0; i < ARRAY_SIZE(seen); i++) {
		struct vmap_area_info info;
		struct ring3 r;

		ASSERT(ring3_create(&r, target(), "test_loop", 0));
		seen[i] = r.task->kernel_stack_top;
		if (ktest_setup->options->vmap_stack) {
			EXPECT(seen[i] > VMALLOC_START && seen[i] < VMALLOC_END);
			EXPECT_EQ(find_vmap_area(seen[i] - 1, &info), VMAP_LIVE);
			EXPECT_EQ(info.end - info.start, 5 * PAGE_SIZE);
		} else {
			EXPECT_EQ(seen[i], 0);
			EXPECT(!r.task->vmap_stack);
		}
		ring3_destroy(&r);
		vm_unmap_aliases();
		EXPECT_EQ(seen[i], seen[0]);
	}
}

/* --- System calls ------------------------------------------------------------------------------
 */

KTEST(tasks, system_calls)
{
	struct ring3 r;

	if (target() == 0) {
		ktest_skip("needs 2 CPUs");
		return;
	}
	ASSERT(ring3_create(&r, target(), "test_loop", 0));
	ring3_start(&r);
	EXPECT(ring3_order(&r, LOOP_SYSCALLS, 3));
	EXPECT_EQ(r.page->result, 0);
	EXPECT(ring3_order(&r, LOOP_UNKNOWN, 0));
	EXPECT_EQ(r.page->result, SYS_UNKNOWN);
	EXPECT(ring3_order(&r, LOOP_WRITE, 0));
	EXPECT_EQ(r.page->result, LOOP_TEXT_LENGTH);
	EXPECT(ring3_order(&r, LOOP_WRITE_LONG, 0));
	EXPECT_EQ(r.page->result, -1);
	EXPECT(ring3_order(&r, LOOP_WRITE_KERNEL, 0));
	EXPECT_EQ(r.page->result, -1);
	EXPECT(ring3_order(&r, LOOP_WRITE_HOLE, 0));
	EXPECT_EQ(r.page->result, -1);
	ring3_finish(&r);
}

/* --- Programs that are refused -----------------------------------------------------------------
 */

KTEST(tasks, bad_programs_are_refused)
{
	static char image[4096];
	const struct program *good = program_find("null");
	struct task_config config = {ktest_setup->options->vmap_stack, 0};
	u64 free;

	/* Offset of one byte of the ELF header and what is put there. */
	static const struct {
		u32 offset;
		u8 value;
		const char *what;
	} spoilt[] = {
		{0, 0, "magic"},
		{4, 1, "32 bits"},
		{5, 2, "byte order"},
		{16, 3, "shared object"},
		{18, 3, "machine"},
		{27, 0x80, "entry in the kernel half"},
		{54, 1, "size of program headers"},
	};

	ASSERT(good);
	EXPECT(!program_find("no such program"));
	free = frame_counts().free;
	for (u32 i = 0; i < ARRAY_SIZE(spoilt); i++) {
		struct program bad = {"bad", image, sizeof(image)};
		const char *error = NULL;
		struct task *task;

		memcpy(image, good->image, min(good->len, sizeof(image)));
		image[spoilt[i].offset] = (char)spoilt[i].value;
		task = task_create(&bad, target(), &config, &error);
		if (task || !error || !error[0])
			ktest_fail(__FILE__, __LINE__, "spoilt %s: %s", spoilt[i].what,
				   task ? "a task" : "no text");
		if (task)
			task_destroy(task);
	}
	EXPECT_EQ(frame_counts().free, free);
}
