/* SPDX-License-Identifier: MIT */
/*
 * The list of experiments: a new one is its file and a line here.
 */
#include "kernel/experiment.h"

#include "arch/x86_64/log.h"
#include "arch/x86_64/string.h"

const struct experiment experiments[] = {
	{"compare", run_compare}, /* the policies under one storm */
	{"test", run_tests},	  /* the suites of tests/kernel */
	{"null", run_null},	  /* null system calls for ever */
	{"violate", run_violate}, /* a rule broken, for its assertion */
	{NULL, NULL},
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

struct policy_mode options_policy_mode(const struct options *options)
{
	return (struct policy_mode){options->pti ? ROOTS_TWO : ROOTS_ONE, options->stack_on_task};
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
