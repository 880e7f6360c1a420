/* SPDX-License-Identifier: MIT */
/*
 * run=compare: the same storm under several policies, one after the other in one boot, and the
 * tables that set them side by side. This is what `make run` shows. Which policies, and with how
 * many roots: kernel/policy_rows.h. Between two of them all CPUs are stopped (select_policy()).
 *
 * Parameters: flushes=N (phase 1), phase2=N (at most), alias=PERCENT, every=N (purges between two
 * entries of a bouncing CPU), workers=N (storming CPUs beside the boot CPU), nmi=on|off|auto (NMIs
 * in phase 2), detail=on|off (tables of each policy).
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
#include "kernel/policy_rows.h"
#include "kernel/qr_report.h"
#include "kernel/report.h"
#include "kernel/report_json.h"

static struct policy_row rows[MAX_POLICY_ROWS];
static struct policy_result policies[MAX_POLICY_ROWS];
static struct run_result result;

static bool read_config(const struct options *options, struct bench_config *config, char *err,
			size_t errlen)
{
	static const char *const known[] = {"flushes", "phase2", "alias",  "every",
					    "workers", "nmi",	 "detail", NULL};
	static const char *const off_on[] = {"off", "on", NULL};
	static const char *const nmi[] = {
		[NMI_AUTO] = "auto", [NMI_OFF] = "off", [NMI_ON] = "on", NULL};
	const struct run_spec *run = &options->run;
	u64 alias = 50;
	u32 detail = 0;

	*config = (struct bench_config){
		.seed = options->seed,
		.flushes = 600,
		.phase2_flushes = 20000,
		.bounce_every = 1,
		.workers = 3,
		.vmap_stack = options->vmap_stack,
	};
	if (!run_only_knows(run, known, err, errlen) ||
	    !run_u64(run, "flushes", 1, 100000000, &config->flushes, err, errlen) ||
	    !run_u64(run, "phase2", 1, 100000000, &config->phase2_flushes, err, errlen) ||
	    !run_u64(run, "alias", 1, 100, &alias, err, errlen) ||
	    !run_word(run, "nmi", nmi, &config->nmi, err, errlen) ||
	    !run_word(run, "detail", off_on, &detail, err, errlen) ||
	    !run_u64(run, "workers", 0, MAX_CPUS, &config->workers, err, errlen) ||
	    !run_u64(run, "every", 0, 1000000, &config->bounce_every, err, errlen))
		return false;
	config->alias_percent = (u32)alias;
	result.detail = detail;
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

static void run_one(const struct policy_row *row, struct bench_config *config)
{
	struct policy_result *out = &policies[result.nr_policies++];
	const struct flush_policy *policy = row->policy;
	const char *missing = policy->missing ? policy->missing() : NULL;

	config->mode = row->mode;
	bench_describe(policy, config, out);
	if (missing) {
		pr_info("compare: %s: skipped: %s", policy->name, missing);
		snprintf(out->reason, sizeof(out->reason), "%s", missing);
		return;
	}
	pr_info("compare: %s, %s: %lu flushes in ring 3, then bouncing%s", policy->name,
		out->roots == 1 ? "one root" : "two roots", config->flushes,
		out->nmi_load ? " under NMIs" : "");
	out->cpus = alloc_cpu_results();
	bench_run(policy, config, out);
	bench_judge(out);
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
	u32 nr_rows;

	if (!read_config(setup->options, &config, err, sizeof(err)))
		return refuse(err);
	nr_rows = policy_rows(setup->options, policies_of(setup->options),
			      setup->options->defect[0] ? DEFAULT_ALL : DEFAULT_SOUND, rows, err,
			      sizeof(err));
	if (!nr_rows)
		return refuse(err);
	if (nr_online_cpus() < 2)
		return refuse(
			"run=compare needs 2 CPUs or more, one of them isolated; this machine "
			"has 1. run=test works with one");
	result.machine = setup->machine;
	result.parameters = setup->parameters;
	result.policies = policies;
	for (u32 i = 0; i < nr_rows; i++)
		run_one(&rows[i], &config);
	run_judge(&result, broken, setup->options->defect[0]);
	report_print(&result, console_write);
	qr_report(&result);
	if (debugcon_present()) {
		const char *error = report_json(&result, debugcon_write);

		if (error)
			panic("JSON report: %s", error);
	}
	return ending_of(result.verdict);
}
