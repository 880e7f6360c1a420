// sources: kernel/*_rows.c kernel/*opt*.c kernel/*_spec.c kernel/parse.c kernel/cpulist.c
/* SPDX-License-Identifier: MIT */
/*
 * Which rows a comparison has, for every way of asking. The policies are made up, of each kind that
 * there is; what one of them refuses is the business of mm/policy/list.c, of which a likeness
 * stands here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/policy_rows.h"

static const struct policy_claim n4 = {"N4", "nmi", "stale"};
static const struct flush_policy immediate = {.name = "immediate", .roots = ROOTS_ONE | ROOTS_TWO};
static const struct flush_policy seed = {
	.name = SEED_POLICY, .roots = ROOTS_ONE, .claims = &n4, .nr_claims = 1};
static const struct flush_policy posted = {
	.name = "posted", .roots = ROOTS_ONE, .claims = &n4, .nr_claims = 1};
static const struct flush_policy flag = {.name = "flag", .roots = ROOTS_TWO};
static const struct flush_policy control = {
	.name = "control", .roots = ROOTS_ONE | ROOTS_TWO, .control = true};

static const struct flush_policy *const all[] = {&immediate, &seed, &posted, &flag, &control, NULL};
static const struct flush_policy *const one_root_only[] = {&seed, NULL};

static struct policy_row rows[MAX_POLICY_ROWS];
static char error[OPTIONS_ERROR_MAX];

/* What policies_of() chooses from. */
const struct flush_policy *const flush_policies[] = {&immediate, NULL};

const struct flush_policy *find_defect(const char *id)
{
	return strcmp(id, "N4") == 0 ? &posted : NULL;
}

const char *policy_refuses(const struct flush_policy *policy, const struct policy_mode *mode)
{
	if (!(policy->roots & mode->roots))
		return mode->roots == ROOTS_TWO ? "works with one root only" : "needs two roots";
	if (mode->roots == ROOTS_TWO && mode->on_task_stack)
		return "stack=task needs one root";
	return NULL;
}

static u32 ask(const char *cmdline, const struct flush_policy *const *list)
{
	static const struct options_words any = {NULL, NULL};
	static struct options options;

	assert_true(options_parse(cmdline, &any, &options, error, sizeof(error)));
	return policy_rows(&options, list, DEFAULT_SOUND, rows, error, sizeof(error));
}

static void all_by_default_and_a_defect_alone(void **state)
{
	struct options options = {.pti = PTI_UNSET};

	(void)state;
	assert_int_equal(policy_rows(&options, all, DEFAULT_ALL, rows, error, sizeof(error)), 7);
	assert_ptr_equal(policies_of(&options), flush_policies);
	strcpy(options.defect, "N4");
	assert_ptr_equal(policies_of(&options)[0], &posted);
	assert_null(policies_of(&options)[1]);
}

/* WANTED: "name/roots" of each row, with blanks between them. */
static void expect(const char *cmdline, const char *wanted)
{
	u32 nr = ask(cmdline, all);
	char got[512] = "";

	for (u32 i = 0; i < nr; i++)
		sprintf(got + strlen(got), "%s%s/%u", i ? " " : "", rows[i].policy->name,
			(unsigned)rows[i].mode.roots);
	if (strcmp(got, wanted))
		fail_msg("'%s': %s (%s), not %s", cmdline, got, error, wanted);
}

static void expect_refused(const char *cmdline, const char *text)
{
	assert_int_equal(ask(cmdline, all), 0);
	assert_string_equal(error, text);
}

static void by_default_sound_ones_and_the_seed(void **state)
{
	(void)state;
	expect("", "immediate/1 immediate/2 state-bits/1 flag/2");
	expect("pti=off", "immediate/1 state-bits/1");
	expect("pti=on", "immediate/2 flag/2");
	expect("stack=task", "immediate/1 state-bits/1");
	assert_true(rows[0].mode.on_task_stack);
	assert_int_equal(ask("pti=on", one_root_only), 0);
	assert_string_equal(error, "pti=, stack=: no policy can be run like that");
}

static void named_ones_in_their_order(void **state)
{
	(void)state;
	expect("tlbi=posted", "posted/1");
	expect("tlbi=flag+control+immediate", "flag/2 control/1 control/2 immediate/1 immediate/2");
	expect("tlbi=flag+control+immediate pti=on", "flag/2 control/2 immediate/2");
	expect("tlbi=control+posted stack=task", "control/1 posted/1");
}

static void what_cannot_be_run_is_refused_by_name(void **state)
{
	(void)state;
	expect_refused("tlbi=immediate+posted pti=on", "tlbi=posted: works with one root only");
	expect_refused("tlbi=flag+posted pti=off", "tlbi=flag: needs two roots");
	expect_refused("tlbi=flag stack=task", "tlbi=flag: stack=task needs one root");
	expect_refused("tlbi=immediate stack=task pti=on",
		       "tlbi=immediate: stack=task needs one root");
	expect_refused("tlbi=immediate+nosuch", "tlbi=nosuch: no such policy");
	expect_refused("tlbi=flagg", "tlbi=flagg: no such policy");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_by_default_and_a_defect_alone),
		cmocka_unit_test(by_default_sound_ones_and_the_seed),
		cmocka_unit_test(named_ones_in_their_order),
		cmocka_unit_test(what_cannot_be_run_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
