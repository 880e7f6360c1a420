/* SPDX-License-Identifier: MIT */
/*
 * run=sweep: every position of a system call's way in and out, under each scenario and policy, see
 * sweep.h. Parameters: scenario=NAME and at=ZONE+N restrict it to what a conviction printed;
 * exact=1 demands that every claim of a policy is shown. tlbi=POLICY restricts it to one.
 */
#include "kernel/sweep.h"

#include "arch/x86_64/breaks.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/string.h"
#include "kernel/canary.h"
#include "kernel/experiment.h"
#include "kernel/format.h"
#include "kernel/policy_rows.h"
#include "kernel/sweep_json.h"
#include "kernel/sweep_report.h"
#include "mm/vmalloc.h"

#define REASON_MAX 256

/* In the C part nothing is swept: a few places stand for it. */
static const u64 kernel_places[] = {0, 1, 4, 16};

static struct sweep sweep;

static bool read_request(const struct setup *setup, struct sweep_request *request, char *err,
			 size_t errlen)
{
	static const char *const known[] = {"scenario", "at", "exact", NULL};
	const struct run_spec *run = &setup->options->run;
	const char *at = run_text(run, "at");
	u32 number = 0;
	u64 exact = 0;

	*request = (struct sweep_request){
		.position = STEP_NOWHERE,
		.broken = setup->parameters.broken,
	};
	if (!run_only_knows(run, known, err, errlen) ||
	    !run_word(run, "scenario", scenario_names(), &number, err, errlen) ||
	    !run_u64(run, "exact", 0, 1, &exact, err, errlen))
		return false;
	if (run_text(run, "scenario"))
		request->scenario = &scenarios[number];
	request->exact = exact;
	if (!at || sweep_position_parse(at, &request->position))
		return true;
	snprintf(err, errlen, "run=sweep: bad value in at=; valid: entry+N, kernel+N, exit+N");
	return false;
}

/* The target is the last isolated CPU, the purger a housekeeping CPU that is not the controller. */
static bool choose_cpus(unsigned int *target, unsigned int *purger)
{
	*target = *purger = 0;
	for (unsigned int cpu = 1; cpu < nr_online_cpus(); cpu++) {
		if (cpu_is_isolated(cpu))
			*target = cpu;
		else if (!*purger)
			*purger = cpu;
	}
	return *target && *purger;
}

static void step_if_wanted(const struct scenario *scenario, const struct sweep_request *request,
			   enum step_zone zone, u64 index)
{
	const struct place at = {STEP_AT(zone, index),
				 sweep.paths[scenario->owed].trace[zone][index]};

	if (request->position == STEP_NOWHERE || request->position == at.position)
		sweep_step(&sweep, scenario, &at);
}

static void run_scenario(const struct scenario *scenario, const struct sweep_request *request)
{
	const u64 *length = sweep.paths[scenario->owed].length;

	if (scenario->in_ring3) {
		const struct place nowhere = {STEP_NOWHERE, 0};

		if (request->position == STEP_NOWHERE)
			sweep_step(&sweep, scenario, &nowhere);
		return;
	}
	for (u64 i = 0; i < length[STEP_ZONE_ENTRY]; i++)
		step_if_wanted(scenario, request, STEP_ZONE_ENTRY, i);
	for (u32 i = 0; i < ARRAY_SIZE(kernel_places); i++)
		if (kernel_places[i] < length[STEP_ZONE_KERNEL])
			step_if_wanted(scenario, request, STEP_ZONE_KERNEL, kernel_places[i]);
	for (u64 i = 0; i < length[STEP_ZONE_EXIT]; i++)
		step_if_wanted(scenario, request, STEP_ZONE_EXIT, i);
}

static enum ending sweep_policy(const struct policy_row *row, const struct setup *setup,
				const struct sweep_request *request)
{
	unsigned int target = sweep.target, purger = sweep.purger;
	char reason[REASON_MAX];
	enum ending verdict;
	const char *error;

	memset(&sweep, 0, sizeof(sweep));
	sweep.policy = row->policy;
	sweep.mode = row->mode;
	sweep.target = target;
	sweep.purger = purger;
	select_policy(row->policy, &row->mode);
	vm_unmap_aliases(); /* what is lazy from before would make the first purge another one */
	canaries_reset();
	error = stepper_start(&sweep.stepper, target, setup->options->vmap_stack);
	if (error)
		panic("program step for CPU %u: %s", target, error);
	sweep.null_steady = stepper_count_null(&sweep.stepper, &sweep.null_call);
	if (sweep_find_paths(&sweep))
		for (const struct scenario *s = scenarios; s->name; s++)
			if (!request->scenario || request->scenario == s)
				run_scenario(s, request);
	stepper_end(&sweep.stepper);
	verdict = sweep_judge(&sweep, request, reason, sizeof(reason));
	sweep_print(&sweep, request, verdict, reason);
	sweep_json_row(&sweep, verdict, reason);
	return verdict;
}

/* The worst policy decides; what was broken on purpose and not seen is an error. */
static enum ending worse(enum ending a, enum ending b)
{
	if (a == END_FAIL || b == END_FAIL)
		return END_FAIL;
	return a == END_PASS ? b : a;
}

static bool anything_found(void)
{
	for (u32 c = 0; c < SWEEP_CONTEXTS; c++)
		for (u32 e = 0; e < SWEEP_EFFECTS; e++)
			if (sweep.found[c][e].steps)
				return true;
	return false;
}

/* A run with something broken on purpose never passes: it is convicted, or proves nothing. */
static enum ending judge_broken(const struct sweep_request *request, bool defect,
				enum ending verdict)
{
	if (verdict != END_PASS || !request->broken[0])
		return verdict;
	if (defect && anything_found()) {
		pr_info("sweep: %s was convicted, as claimed", request->broken);
		return END_FAIL;
	}
	pr_err("sweep: %s was not convicted", request->broken);
	return END_ERROR;
}

static enum ending sweep_all(const struct setup *setup, const struct sweep_request *request)
{
	static struct policy_row rows[MAX_POLICY_ROWS];
	const struct options *options = setup->options;
	enum ending verdict = END_PASS;
	char err[OPTIONS_ERROR_MAX];
	u32 swept = 0;
	u32 nr = policy_rows(options, policies_of(options), DEFAULT_ALL, rows, err, sizeof(err));

	if (!nr)
		return refuse(err);
	sweep_print_head(&sweep);
	sweep_json_begin();
	for (u32 i = 0; i < nr; i++) {
		const struct flush_policy *policy = rows[i].policy;
		const char *missing = policy->missing ? policy->missing() : NULL;

		if (missing) {
			pr_info("%s: skip: %s", policy->name, missing);
			sweep_json_skip(policy, missing);
			continue;
		}
		verdict = worse(verdict, sweep_policy(&rows[i], setup, request));
		swept++;
	}
	if (swept) {
		verdict = judge_broken(request, options->defect[0], verdict);
	} else {
		pr_err("sweep: no policy can be swept here");
		verdict = END_ERROR;
	}
	sweep_json_end(verdict);
	return verdict;
}

enum ending run_sweep(const struct setup *setup)
{
	struct sweep_request request;
	char err[OPTIONS_ERROR_MAX];

	if (!read_request(setup, &request, err, sizeof(err)))
		return refuse(err);
	if (!choose_cpus(&sweep.target, &sweep.purger))
		return refuse("run=sweep needs 3 CPUs or more: one that is isolated, and two "
			      "housekeeping CPUs (nohz_full=), one to purge and one to control");
	if (!canaries_init())
		panic("no memory for the canaries");
	return sweep_all(setup, &request);
}
