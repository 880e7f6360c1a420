/* SPDX-License-Identifier: MIT */
/*
 * What run= selects. An experiment runs on the boot CPU with interrupts on, all CPUs up and idle,
 * the policies selectable; what it returns ends the machine.
 */
#pragma once

#include "kernel/ending.h"
#include "kernel/options.h"
#include "kernel/result.h"
#include "mm/policy/policy.h"

/* What an experiment is given. */
struct setup {
	const struct options *options;
	struct machine_result machine;
	struct parameters_result parameters;
};

struct experiment {
	const char *name;
	enum ending (*run)(const struct setup *setup);
};

/* The list, ended by a NULL name, and the names alone for the command line. */
extern const struct experiment experiments[];
words_t experiment_names(void);

/* NULL if there is none of that name. */
const struct experiment *find_experiment(const char *name);

enum ending run_compare(const struct setup *setup);
enum ending run_crash(const struct setup *setup);
enum ending run_crusty(const struct setup *setup);
enum ending run_hostile(const struct setup *setup);
enum ending run_null(const struct setup *setup);
enum ending run_alloc(const struct setup *setup);
enum ending run_entry(const struct setup *setup);
enum ending run_flush(const struct setup *setup);
enum ending run_hold(const struct setup *setup);
enum ending run_ipi(const struct setup *setup);
enum ending run_noise(const struct setup *setup);
enum ending run_purge(const struct setup *setup);
enum ending run_scale(const struct setup *setup);
enum ending run_stacks(const struct setup *setup);
enum ending run_sweep(const struct setup *setup);
enum ending run_tests(const struct setup *setup);
enum ending run_violate(const struct setup *setup);

/*
 * The policy of an experiment that takes one: tlbi='s, FALLBACK where there is none. NULL, with a
 * text in ERR, if tlbi= is a list of several.
 */
const struct flush_policy *options_policy(const struct options *options,
					  const struct flush_policy *fallback, char *err,
					  size_t errlen);

/* Whether tlbi= names POLICY, or none, for an experiment that takes several or all. */
bool options_want_policy(const struct options *options, const struct flush_policy *policy);

/*
 * How an experiment that takes one policy puts POLICY in force: stack= as it says, roots as pti=
 * says; without pti= one root, or two if POLICY works with no less.
 */
struct policy_mode options_policy_mode(const struct options *options,
				       const struct flush_policy *policy);

/* A policy that cannot be put in force that way: says so and returns END_REFUSED. */
enum ending refuse_policy(const struct flush_policy *policy, const char *why);

/* A bad parameter, found by an experiment: prints the text and returns END_REFUSED. */
enum ending refuse(const char *text);
