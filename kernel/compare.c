/* SPDX-License-Identifier: MIT */
/*
 * run=compare: the same storm under several policies, one after the other in one boot, and the
 * table that sets them side by side. This is what `make run` shows.
 *
 * Parameters: flushes=N (phase 1), phase2=N (at most), alias=PERCENT, every=N (purges between two
 * entries of a bouncing CPU), workers=N (storming CPUs beside the boot CPU). tlbi=POLICY restricts
 * it to one.
 */
#include "arch/x86_64/breaks.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/direct_map.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "kernel/bench.h"
#include "kernel/console.h"
#include "kernel/debugcon.h"
#include "kernel/experiment.h"
#include "kernel/format.h"
#include "kernel/report.h"
#include "kernel/report_json.h"

#define MAX_POLICIES 32

static struct policy_result policies[MAX_POLICIES];
static struct run_result result;

static bool read_config(const struct options *options, struct bench_config *config, char *err,
			size_t errlen)
{
	static const char *const known[] = {"flushes", "phase2", "alias", "every", "workers", NULL};
	const struct run_spec *run = &options->run;
	u64 alias = 50;

	*config = (struct bench_config){
		.seed = options->seed,
		.flushes = 600,
		.phase2_flushes = 20000,
		.bounce_every = 1,
		.workers = 3,
		.vmap_stack = options->vmap_stack,
		.mode = options_policy_mode(options),
	};
	if (!run_only_knows(run, known, err, errlen) ||
	    !run_u64(run, "flushes", 1, 100000000, &config->flushes, err, errlen) ||
	    !run_u64(run, "phase2", 1, 100000000, &config->phase2_flushes, err, errlen) ||
	    !run_u64(run, "alias", 1, 100, &alias, err, errlen) ||
	    !run_u64(run, "workers", 0, MAX_CPUS, &config->workers, err, errlen) ||
	    !run_u64(run, "every", 0, 1000000, &config->bounce_every, err, errlen))
		return false;
	config->alias_percent = (u32)alias;
	return true;
}

static struct cpu_result *alloc_cpu_results(void)
{
	size_t bytes = nr_online_cpus() * sizeof(struct cpu_result);
	phys_addr_t first = boot_alloc_frames(ALIGN_UP(bytes, PAGE_SIZE) / PAGE_SIZE);

	if (!first)
		panic("no memory for the results of %u CPUs", nr_online_cpus());
	return phys_to_virt(first);
}

static void run_one(const struct flush_policy *policy, const struct bench_config *config)
{
	struct policy_result *out = &policies[result.nr_policies++];

	out->cpus = alloc_cpu_results();
	pr_info("compare: %s: %lu flushes in ring 3, then bouncing", policy->name, config->flushes);
	bench_run(policy, config, out);
	bench_judge(policy, out);
}

/*
 * The run's verdict is its worst policy's. A run with something broken on purpose never passes: if
 * nothing was found, the check that should have found it is what failed.
 */
static void judge_run(void)
{
	result.verdict = VERDICT_PASS;
	for (u32 i = 0; i < result.nr_policies; i++) {
		const struct policy_result *policy = &policies[i];

		if (policy->verdict == VERDICT_PASS)
			continue;
		if (result.verdict == VERDICT_FAIL)
			continue;
		result.verdict = policy->verdict;
		snprintf(result.reason, sizeof(result.reason), "%s: %s", policy->name,
			 policy->reason);
	}
	if ((broken & BREAK_AP) && result.machine.cpus_started < result.machine.cpus_found) {
		result.verdict = VERDICT_FAIL;
		snprintf(result.reason, sizeof(result.reason), "%u of %u CPUs did not come up",
			 result.machine.cpus_found - result.machine.cpus_started,
			 result.machine.cpus_found);
	}
	if (result.parameters.broken[0] && result.verdict == VERDICT_PASS) {
		result.verdict = VERDICT_ERROR;
		snprintf(result.reason, sizeof(result.reason), "%s was not convicted",
			 result.parameters.broken);
	}
}

static enum ending ending_of(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_PASS:
		return END_PASS;
	case VERDICT_FAIL:
		return END_FAIL;
	default:
		return END_ERROR;
	}
}

enum ending run_compare(const struct setup *setup)
{
	struct bench_config config;
	char err[OPTIONS_ERROR_MAX];

	if (!read_config(setup->options, &config, err, sizeof(err)))
		return refuse(err);
	if (nr_online_cpus() < 2)
		return refuse(
			"run=compare needs 2 CPUs or more, one of them isolated; this machine "
			"has 1. run=test works with one");
	result.machine = setup->machine;
	result.parameters = setup->parameters;
	result.policies = policies;
	for (const struct flush_policy *const *p = flush_policies; *p; p++)
		if (!setup->options->tlbi[0] || *p == find_policy(setup->options->tlbi))
			run_one(*p, &config);
	judge_run();
	report_print(&result, console_write);
	if (debugcon_present()) {
		const char *error = report_json(&result, debugcon_write);

		if (error)
			panic("JSON report: %s", error);
	}
	return ending_of(result.verdict);
}
