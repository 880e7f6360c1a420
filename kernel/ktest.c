/* SPDX-License-Identifier: MIT */
/*
 * Runs the in-kernel tests, suite by suite, as nested KTAP (Linux: Documentation/dev-tools/ktap).
 * Parameters: only=SUITE; nmi=some|all (all: the nmi suite demands an NMI at every instruction of
 * the SYSCALL windows, which needs a machine that takes one there). A run in which no test ran is
 * an error, never a pass.
 */
#include "kernel/ktest.h"

#include <stdarg.h>

#include "arch/x86_64/breaks.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/string.h"
#include "kernel/console.h"
#include "kernel/format.h"

extern const struct ktest kernel_tests_start[], kernel_tests_end[];

const struct setup *ktest_setup;
u32 ktest_nmi_all;

static bool failed;
static char skipped[160];

static void say(const char *fmt, ...) __printf(1, 2);
static void say(const char *fmt, ...)
{
	char line[256];
	va_list args;
	int length;

	va_start(args, fmt);
	length = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	console_write(line, min((size_t)length, sizeof(line) - 1));
}

void ktest_fail(const char *file, int line, const char *fmt, ...)
{
	char text[192];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	WRITE_ONCE(failed, true);
	say("    # %s:%d: %s\n", file, line, text);
}

void ktest_skip(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(skipped, sizeof(skipped), fmt, args);
	va_end(args);
}

/* The tests of one suite lie together: one file, one section contribution. */
static u32 suite_length(const struct ktest *first)
{
	u32 n = 0;

	while (first + n < kernel_tests_end && strcmp(first[n].suite, first->suite) == 0)
		n++;
	return n;
}

static bool run_suite(const struct ktest *first, u32 length, u32 number)
{
	u32 failures = 0;

	say("    KTAP version 1\n    # Subtest: %s\n    1..%u\n", first->suite, length);
	for (u32 i = 0; i < length; i++) {
		failed = false;
		skipped[0] = '\0';
		first[i].run();
		if (failed)
			failures++;
		say("    %sok %u %s%s%s\n", failed ? "not " : "", i + 1, first[i].name,
		    !failed && skipped[0] ? " # SKIP " : "", !failed ? skipped : "");
	}
	say("%sok %u %s\n", failures ? "not " : "", number, first->suite);
	return failures == 0;
}

enum ending run_tests(const struct setup *setup)
{
	static const char *const known[] = {"only", "nmi", NULL};
	static const char *const nmi_words[] = {"some", "all", NULL};
	const char *only = run_text(&setup->options->run, "only");
	char err[OPTIONS_ERROR_MAX];
	u32 suites = 0;
	u32 number = 0;
	bool ok = true;

	if (!run_only_knows(&setup->options->run, known, err, sizeof(err)) ||
	    !run_word(&setup->options->run, "nmi", nmi_words, &ktest_nmi_all, err, sizeof(err)))
		return refuse(err);
	ktest_setup = setup;
	for (const struct ktest *t = kernel_tests_start; t < kernel_tests_end; t += suite_length(t))
		if (!only || strcmp(only, t->suite) == 0)
			suites++;
	if (!suites)
		return refuse("run=test,only=: no suite of that name");
	say("KTAP version 1\n1..%u\n", suites);
	for (const struct ktest *t = kernel_tests_start; t < kernel_tests_end;
	     t += suite_length(t)) {
		if (only && strcmp(only, t->suite) != 0)
			continue;
		if (!run_suite(t, suite_length(t), ++number))
			ok = false;
	}
	if (broken)
		return END_ERROR;
	return ok ? END_PASS : END_FAIL;
}
