/* SPDX-License-Identifier: MIT */
/*
 * How long a changed translation survives in ring 3 that does not enter the kernel, see
 * user/crusty.c. Two frames hold two numbers; each round the page goes from one to the other and
 * nobody flushes. At its end the CPU is interrupted once and drops everything.
 */
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/relax.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/tlb.h"
#include "arch/x86_64/tsc.h"
#include "kernel/cpu_work.h"
#include "kernel/crusty.h"
#include "kernel/program.h"
#include "kernel/task.h"
#include "mm/frames.h"

#define LIMIT_MS    120000 /* of one step of a round */
#define LEAST_TURNS 100
#define FIRST_NS    1000 /* the first bucket's end; each is ten times the last */

static const u64 pressures[CRUSTY_PRESSURES] = {0, 16, 64, 256, CRUSTY_OTHERS_MAX};

static struct task *task;
static volatile struct crusty_page *page;
static phys_addr_t frame[2];
static pte_t *pte;

static void wait_for(volatile u64 *word, u64 round, unsigned int cpu, const char *what)
{
	u64 deadline = tsc_deadline(LIMIT_MS);

	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != round) {
		if (tsc_passed(deadline))
			panic("CPU %u, round %lu: no %s within %u ms", cpu, round, what, LIMIT_MS);
		cpu_relax();
	}
}

static void drop_all(void *unused)
{
	(void)unused;
	tlb_drop_all();
}

static const char *make_task(unsigned int cpu, bool vmap_stack)
{
	const struct task_config config = {vmap_stack, 0};
	phys_addr_t control = frame_alloc_zeroed();
	const char *error = NULL;
	unsigned int level;
	int err;

	for (u32 i = 0; i < 2; i++) {
		frame[i] = frame_alloc_zeroed(); /* for good: an old translation may last */
		if (!frame[i] || !control)
			return "no memory for the pages";
		*(u64 *)phys_to_virt(frame[i]) = i + 1;
	}
	task = task_create(program_find("crusty"), cpu, &config, &error);
	if (!task)
		return error;
	page = phys_to_virt(control);
	err = task_map(task, CRUSTY_PAGE_VA, control, PTE_WRITE | PTE_NX);
	err = err ? err : task_map(task, CRUSTY_DATA_VA, frame[0], PTE_NX);
	for (u64 i = 0; i < CRUSTY_OTHERS_MAX && !err; i++)
		err = task_map(task, CRUSTY_OTHERS_VA + i * PAGE_SIZE, control, PTE_NX);
	if (err)
		return "no memory for the page tables";
	pte = lookup_pte(task->mm.root, CRUSTY_DATA_VA, &level);
	return NULL;
}

static void note(struct crusty_survival *row)
{
	u64 ns = tsc_to_ns(page->ticks);
	u64 end = FIRST_NS;
	u32 bucket = 0;

	row->rounds++;
	if (page->survived) {
		row->survived++;
		return;
	}
	for (; ns >= end && bucket < CRUSTY_BUCKETS - 1; bucket++)
		end *= 10;
	row->bucket[bucket]++;
	if (!row->shortest || page->turns < row->shortest)
		row->shortest = page->turns;
	if (page->turns > row->longest)
		row->longest = page->turns;
}

/* The page goes to the other frame, behind the program's back. */
static void one_round(struct crusty_survival *row, unsigned int cpu, u64 round)
{
	page->pressure = row->pressure;
	page->limit = row->limit;
	__atomic_store_n(&page->round, round, __ATOMIC_SEQ_CST);
	wait_for(&page->warmed, round, cpu, "first look");
	__atomic_store_n(pte, (*pte & ~PTE_ADDR_MASK) | frame[round % 2], __ATOMIC_SEQ_CST);
	__atomic_store_n(&page->changed, round, __ATOMIC_SEQ_CST);
	wait_for(&page->done, round, cpu, "last look");
	note(row);
	smp_call_function_single(cpu, CALL_OTHER, drop_all, NULL);
}

const char *crusty_survive(struct crusty_survivals *s, bool vmap_stack)
{
	const char *error = make_task(s->cpu, vmap_stack);
	u64 round = 0;

	if (error)
		return error;
	cpu_work_start(s->cpu, task_run, task);
	for (u32 i = 0; i < CRUSTY_PRESSURES; i++) {
		struct crusty_survival *row = &s->row[i];

		row->pressure = pressures[i];
		row->limit = max(s->turns / (pressures[i] + 1), (u64)LEAST_TURNS);
		while (row->rounds < s->rounds)
			one_round(row, s->cpu, ++round);
	}
	page->stop = 1;
	cpu_work_wait(s->cpu, LIMIT_MS, "end of program crusty");
	if (task->fault[0])
		panic("program crusty on CPU %u: %s", s->cpu, task->fault);
	task_destroy(task);
	return NULL;
}
