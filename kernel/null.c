/* SPDX-License-Identifier: MIT */
/*
 * run=null: isolated CPUs do empty system calls for ever, for whoever counts their instructions
 * from outside (`make counts`). Ends only with the machine. No parameters.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "kernel/cpu_work.h"
#include "kernel/experiment.h"
#include "kernel/program.h"
#include "mm/policy/policy.h"

enum ending run_null(const struct setup *setup)
{
	static const char *const none[] = {NULL};
	struct task_config config = {setup->options->vmap_stack, boot_alloc_frames(1)};
	const struct flush_policy *policy;
	char err[OPTIONS_ERROR_MAX];
	struct policy_mode mode;
	const char *why;

	if (!run_only_knows(&setup->options->run, none, err, sizeof(err)))
		return refuse(err);
	policy = options_policy(setup->options, flush_policies[0], err, sizeof(err));
	if (!policy)
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
	}
	pr_info("lateflush: null: ready");
	for (;;)
		safe_halt();
}
