/* SPDX-License-Identifier: MIT */
/*
 * A crew, see crew.h.
 */
#include "kernel/crew.h"

#include "arch/x86_64/direct_map.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/relax.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/tsc.h"
#include "kernel/cpu_work.h"
#include "kernel/format.h"
#include "kernel/program.h"

#define TASK_LIMIT_MS	    60000
#define TSC_EVERY_UNDER_TCG 4096

static struct storm_page *storm_page;
static phys_addr_t storm_frame;
static struct task *tasks[MAX_CPUS]; /* NULL: no member */

struct storm_page *crew_page(void)
{
	if (!storm_page) {
		storm_frame = boot_alloc_frames(1);
		if (!storm_frame)
			panic("no memory for the storm page");
		storm_page = phys_to_virt(storm_frame);
	}
	return storm_page;
}

static void start_task(const struct crew_config *config, const struct program *program,
		       unsigned int cpu)
{
	const struct task_config task_config = {config->vmap_stack, storm_frame};
	const char *error = "no such program";

	tasks[cpu] = program ? task_create(program, cpu, &task_config, &error) : NULL;
	if (!tasks[cpu])
		panic("program %s for CPU %u: %s", config->program, cpu, error);
	tasks[cpu]->arg = cpu;
	if (config->reports) {
		memset(&config->reports[cpu], 0, sizeof(config->reports[cpu]));
		tasks[cpu]->report = &config->reports[cpu];
		tasks[cpu]->report_len = sizeof(config->reports[cpu]);
	}
	cpu_work_start(cpu, task_run, tasks[cpu]);
}

/* In ring 3 after its first probe, so nothing but an interrupt and its own end brings it back. */
static bool settled(unsigned int cpu, u64 syscalls_before)
{
	const struct user_page *page = user_page(cpu);
	u64 entries = READ_ONCE(page->entries);

	return READ_ONCE(page->exits) == entries &&
	       READ_ONCE(page->causes[CAUSE_SYSCALL]) > syscalls_before;
}

static void wait_settled(const u64 *syscalls_before)
{
	u64 deadline = tsc_deadline(TASK_LIMIT_MS);

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		while (tasks[cpu] && !settled(cpu, syscalls_before[cpu])) {
			if (cpu_work_done(cpu))
				panic("CPU %u: %s ended before it began: %s", cpu,
				      tasks[cpu]->program->name, tasks[cpu]->fault);
			if (tsc_passed(deadline))
				panic("CPU %u did not reach ring 3 within %u ms", cpu,
				      TASK_LIMIT_MS);
			cpu_relax();
		}
	}
}

void crew_start(const struct crew_config *config)
{
	static u64 before[MAX_CPUS];
	const struct program *program = program_find(config->program);
	struct storm_page *page = crew_page();

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		before[cpu] = user_page(cpu)->causes[CAUSE_SYSCALL];
	memset(page, 0, PAGE_SIZE);
	page->seed = config->seed;
	page->bounce_every = config->bounce_every;
	page->tsc_every = relax_without_pause ? TSC_EVERY_UNDER_TCG : 1;
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		if (cpumask_test(&config->members, cpu))
			start_task(config, program, cpu);
	wait_settled(before);
}

void crew_finish(char *err, size_t errlen)
{
	WRITE_ONCE(storm_page->command, STORM_FINISH);
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		if (!tasks[cpu])
			continue;
		cpu_work_wait(cpu, TASK_LIMIT_MS, tasks[cpu]->program->name);
		if (tasks[cpu]->fault[0] && !err[0])
			snprintf(err, errlen, "CPU %u: %s: %s", cpu, tasks[cpu]->program->name,
				 tasks[cpu]->fault);
	}
}

void crew_dismiss(void)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		if (tasks[cpu])
			task_destroy(tasks[cpu]);
		tasks[cpu] = NULL;
	}
}
