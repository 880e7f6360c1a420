/* SPDX-License-Identifier: MIT */
/*
 * The list of experiments: a new one is its file and a line here.
 */
#include "kernel/experiment.h"

#include "arch/x86_64/log.h"
#include "arch/x86_64/string.h"
#include "kernel/format.h"
#include "mm/policy/defects.h"

const struct experiment experiments[] = {
	{"compare", run_compare}, /* the policies under one storm */
	{"alloc", run_alloc},	  /* vmalloc() and vfree() beside many areas */
	{"entry", run_entry},	  /* the way in and out, with nothing, a range, everything owed */
	{"flush", run_flush},	  /* each way to forget a translation */
	{"hold", run_hold},	  /* what the quarantine holds */
	{"ipi", run_ipi},	  /* cross-calls between every two CPUs */
	{"noise", run_noise},	  /* what isolated CPUs feel of purges */
	{"purge", run_purge},	  /* what a purge costs its initiator */
	{"scale", run_scale},	  /* and how that grows with the isolated CPUs */
	{"sweep", run_sweep},	  /* a purge and an NMI at every instruction of the doors */
	{"stacks", run_stacks},	  /* tasks started anew on stacks at used addresses */
	{"test", run_tests},	  /* the suites of tests/kernel */
	{"null", run_null},	  /* null system calls for ever */
	{"violate", run_violate}, /* a rule broken, for its assertion */
	{"crash", run_crash},	  /* an end that must be noticed */
	{"hostile", run_hostile}, /* ring 3 does what it must not */
	{"crusty", run_crusty},	  /* what the TLB keeps of what was changed */
	{0},
};

words_t experiment_names(void)
{
	static const char *names[ARRAY_SIZE(experiments)];

	for (u32 i = 0; experiments[i].name; i++)
		names[i] = experiments[i].name;
	return names;
}

const struct experiment *find_experiment(const char *name)
{
	for (const struct experiment *e = experiments; e->name; e++)
		if (strcmp(e->name, name) == 0)
			return e;
	return NULL;
}

const struct flush_policy *options_policy(const struct options *options,
					  const struct flush_policy *fallback, char *err,
					  size_t errlen)
{
	const char *name = options->tlbi;
	size_t len;

	if (options->defect[0])
		return find_defect(options->defect);
	if (!policy_list_name(name, &len))
		return fallback;
	if (name[len]) {
		snprintf(err, errlen, "tlbi=%s: run=%s takes one policy; valid: one name", name,
			 options->run.name);
		return NULL;
	}
	return find_policy(name);
}

struct policy_mode options_policy_mode(const struct options *options,
				       const struct flush_policy *policy)
{
	bool two = options->pti == PTI_ON ||
		   (options->pti == PTI_UNSET && !(policy->roots & ROOTS_ONE));

	return (struct policy_mode){two ? ROOTS_TWO : ROOTS_ONE, options->stack_on_task};
}

enum ending refuse_policy(const struct flush_policy *policy, const char *why)
{
	pr_err("tlbi=%s: %s", policy->name, why);
	return END_REFUSED;
}

enum ending refuse(const char *text)
{
	pr_err("%s", text);
	return END_REFUSED;
}
