/* SPDX-License-Identifier: MIT */
/*
 * run=sweep: the ways in and out, under each scenario and policy, see sweep.h. Parameters: depth=;
 * scenario=, door=, at=ZONE+N and then=ZONE+N restrict it to what a conviction printed; exact=1
 * demands that every claim of a policy is shown; trace=1 puts into the document what the last step
 * consisted of. tlbi=POLICY restricts it to one.
 */
#include "kernel/sweep.h"

#include "arch/x86_64/breaks.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/relax.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/string.h"
#include "kernel/canary.h"
#include "kernel/experiment.h"
#include "kernel/format.h"
#include "kernel/policy_rows.h"
#include "kernel/sweep_doors.h"
#include "kernel/sweep_json.h"
#include "kernel/sweep_report.h"
#include "mm/vmalloc.h"

#define REASON_MAX 256

static struct sweep sweep;

static bool read_place(const struct run_spec *run, const char *key, u64 *position, char *err,
		       size_t errlen)
{
	const char *text = run_text(run, key);

	*position = STEP_NOWHERE;
	if (!text || sweep_position_parse(text, position))
		return true;
	snprintf(err, errlen, "run=sweep: bad value in %s=; valid: entry+N, kernel+N, exit+N", key);
	return false;
}

static bool read_request(const struct setup *setup, struct sweep_request *request, char *err,
			 size_t errlen)
{
	static const char *const known[] = {"scenario", "door",	 "at",	  "then",
					    "depth",	"exact", "trace", NULL};
	static const char *const depths[] = {"small", "pairs", "whole", NULL};
	const struct run_spec *run = &setup->options->run;
	u32 number = 0, door = 0, depth = 0;
	u64 exact = 0, trace = 0;

	*request = (struct sweep_request){.broken = setup->parameters.broken};
	if (!run_only_knows(run, known, err, errlen) ||
	    !run_word(run, "scenario", scenario_names(), &number, err, errlen) ||
	    !run_word(run, "door", sweep_door_names(), &door, err, errlen) ||
	    !run_word(run, "depth", depths, &depth, err, errlen) ||
	    !run_u64(run, "exact", 0, 1, &exact, err, errlen) ||
	    !run_u64(run, "trace", 0, 1, &trace, err, errlen) ||
	    !read_place(run, "at", &request->at, err, errlen) ||
	    !read_place(run, "then", &request->then, err, errlen))
		return false;
	if (run_text(run, "scenario"))
		request->scenario = &scenarios[number];
	if (run_text(run, "door"))
		request->door = &sweep_doors[door];
	request->depth = depth;
	if (!run_text(run, "depth") && request->scenario)
		request->depth = DEPTH_WHOLE;
	request->exact = exact;
	request->trace = trace;
	return true;
}

/* The target is the last isolated CPU, the initiator a housekeeping CPU, but not the controller. */
static bool choose_cpus(unsigned int *target, unsigned int *initiator)
{
	*target = *initiator = 0;
	for (unsigned int cpu = 1; cpu < nr_online_cpus(); cpu++) {
		if (cpu_is_isolated(cpu))
			*target = cpu;
		else if (!*initiator)
			*initiator = cpu;
	}
	return *target && *initiator;
}

static enum ending sweep_policy(const struct policy_row *row, const struct setup *setup,
				const struct sweep_request *request)
{
	unsigned int target = sweep.target, initiator = sweep.initiator;
	char reason[REASON_MAX];
	enum ending verdict;
	const char *error;

	memset(&sweep, 0, sizeof(sweep));
	sweep.policy = row->policy;
	sweep.mode = row->mode;
	sweep.target = target;
	sweep.initiator = initiator;
	select_policy(row->policy, &row->mode);
	vm_unmap_aliases(); /* what is lazy from before would make the first purge another one */
	canaries_reset();
	error = stepper_start(&sweep.stepper, target, setup->options->vmap_stack);
	if (error)
		panic("program step for CPU %u: %s", target, error);
	sweep.null_steady = stepper_count_null(&sweep.stepper, &sweep.null_call);
	sweep_walk(&sweep, request);
	stepper_end(&sweep.stepper);
	verdict = sweep_judge(&sweep, request, reason, sizeof(reason));
	sweep_print(&sweep, request, verdict, reason);
	sweep_json_row(&sweep, request, verdict, reason);
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
	if (!choose_cpus(&sweep.target, &sweep.initiator))
		return refuse("run=sweep needs 3 CPUs or more: one that is isolated, and two "
			      "housekeeping CPUs (nohz_full=), one to purge and one to control");
	if (!canaries_init())
		panic("no memory for the canaries");
	relax_without_pause = false;
	return sweep_all(setup, &request);
}
