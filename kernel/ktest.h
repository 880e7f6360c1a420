/* SPDX-License-Identifier: MIT */
/*
 * In-kernel tests (run=test): each is a function in tests/kernel/, found by its place in a section,
 * so that this floor names none of them. Results are KTAP on the console.
 */
#pragma once

#include "kernel/experiment.h"

struct ktest {
	const char *suite;
	const char *name;
	void (*run)(void);
};

/* Aligned by hand: a compiler may align a structure of this size to more, and leave gaps. */
#define KTEST(suite_name, function)                                                                \
	static void function(void);                                                                \
	static const struct ktest ktest_##function __used __section(".kernel_tests") __aligned(    \
		sizeof(void *)) = {.suite = #suite_name, .name = #function, .run = function};      \
	static void function(void)

/* What the tests may ask about the run. */
extern const struct setup *ktest_setup;

/* nmi=all: 1, else 0. */
extern u32 ktest_nmi_all;

/* The present test has failed; it goes on. Any CPU, any context but noinstr. */
void ktest_fail(const char *file, int line, const char *fmt, ...) __printf(3, 4);

/* The present test cannot show anything here; the reason is printed. */
void ktest_skip(const char *fmt, ...) __printf(1, 2);

#define EXPECT(cond)                                                                               \
	do {                                                                                       \
		if (!(cond))                                                                       \
			ktest_fail(__FILE__, __LINE__, "%s", #cond);                               \
	} while (0)

/* Both as 64-bit numbers; the values are printed when they differ. */
#define EXPECT_EQ(got, want)                                                                       \
	do {                                                                                       \
		u64 _got = (u64)(got), _want = (u64)(want);                                        \
		if (_got != _want)                                                                 \
			ktest_fail(__FILE__, __LINE__, "%s is %lu (%#lx), not %lu (%#lx)", #got,   \
				   _got, _got, _want, _want);                                      \
	} while (0)

#define ASSERT(cond)                                                                               \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			ktest_fail(__FILE__, __LINE__, "%s", #cond);                               \
			return;                                                                    \
		}                                                                                  \
	} while (0)
