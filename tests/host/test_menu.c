// sources: kernel/options.c kernel/*_opt.c kernel/run_spec.c kernel/parse.c kernel/cpulist.c
/* SPDX-License-Identifier: MIT */
/*
 * The boot menu: the kernel's own parser takes every entry's command line. Which experiments and
 * policies there are is asked by tools/test_experiments.py. Runs in the repository's root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/options.h"

#define FEWEST_ENTRIES 15 /* without the first, whose command line comes from the image's maker */

static char error[OPTIONS_ERROR_MAX];

static bool parse(const char *cmdline)
{
	static const struct options_words any = {NULL, NULL};
	static struct options options;

	return options_parse(cmdline, &any, &options, error, sizeof(error));
}

/* What follows the word lateflush on a LINE of its own; NULL if it is another line. */
static char *cmdline_of(char *line)
{
	char *text = line + strspn(line, "\t ");

	text[strcspn(text, "\n")] = '\0';
	return strncmp(text, "lateflush ", 10) == 0 ? text + 10 : NULL;
}

static void every_entry_parses(void **state)
{
	FILE *file = fopen("boot/grub.cfg", "r");
	char line[256];
	int entries = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		const char *cmdline = cmdline_of(line);

		if (!cmdline || strcmp(cmdline, "@ARGS@") == 0)
			continue;
		entries++;
		if (!parse(cmdline))
			fail_msg("the menu's '%s' is refused: %s", cmdline, error);
	}
	fclose(file);
	assert_true(entries >= FEWEST_ENTRIES);
}

/* What is no command line is found out, and so is a line that only looks like an entry. */
static void a_bad_entry_is_refused(void **state)
{
	char entry[] = "\t\tlateflush run=noise,purges\n";
	char function[] = "function lateflush {\n";

	(void)state;
	assert_string_equal(cmdline_of(entry), "run=noise,purges");
	assert_null(cmdline_of(function));
	assert_false(parse("run=noise,purges"));
	assert_false(parse("colour=red"));
	assert_false(parse("tlbi=state-bits tlbi=immediate"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_entry_parses),
		cmocka_unit_test(a_bad_entry_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
