/* SPDX-License-Identifier: MIT */
/*
 * run=null: isolated CPUs do empty system calls for ever, and the boot CPU issues flushes of 1 and
 * of 33 pages (the most that are flushed one by one) and cross-calls that do nothing, for whoever
 * counts their instructions from outside (`make counts`, tools/count_steps.py). Ends only with the
 * machine. No parameters.
 */
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp_call.h"
#include "kernel/cpu_work.h"
#include "kernel/experiment.h"
#include "kernel/program.h"
#include "mm/policy/policy.h"
#include "mm/tlbflush.h"

/* Far behind every area that was ever allocated: nothing is mapped there. */
#define EMPTY_PAGES (VMALLOC_END - GIB(1))
#define MOST_PAGES  33

static void nothing(void *unused)
{
	(void)unused;
}

/* What is counted on the boot CPU: the steps find it by the functions that are called here. */
static _Noreturn void operations(unsigned int target)
{
	for (;;) {
		flush_tlb_kernel_range_deferrable(EMPTY_PAGES, EMPTY_PAGES + PAGE_SIZE);
		flush_tlb_kernel_range_deferrable(EMPTY_PAGES,
						  EMPTY_PAGES + MOST_PAGES * PAGE_SIZE);
		smp_call_function_single(target, CALL_OTHER, nothing, NULL);
	}
}

enum ending run_null(const struct setup *setup)
{
	char err[OPTIONS_ERROR_MAX];
	const struct flush_policy *policy = options_policy(setup->options, flush_policies[0], err,
							   sizeof(err));
	struct task_config config = {setup->options->vmap_stack, boot_alloc_frames(1)};
	static const char *const none[] = {NULL};
	struct policy_mode mode;
	const char *why;
	unsigned int target = 0;

	if (!policy || !run_only_knows(&setup->options->run, none, err, sizeof(err)))
		return refuse(err);
	if (nr_online_cpus() < 2)
		return refuse("run=null needs 2 CPUs or more, one of them isolated");
	mode = options_policy_mode(setup->options, policy);
	why = policy_refuses(policy, &mode);
	if (why)
		return refuse_policy(policy, why);
	select_policy(policy, &mode);
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		const char *error = NULL;
		struct task *task;

		if (!cpu_is_isolated(cpu))
			continue;
		task = task_create(program_find("null"), cpu, &config, &error);
		if (!task)
			panic("program null for CPU %u: %s", cpu, error);
		cpu_work_start(cpu, task_run, task);
		target = cpu;
	}
	pr_info("lateflush: null: ready");
	operations(target);
}
