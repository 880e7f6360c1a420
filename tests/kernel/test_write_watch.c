/* SPDX-License-Identifier: MIT */
/*
 * Watching writes: functions whose lines are known.
 */
#include "arch/x86_64/write_watch.h"
#include "kernel/ktest.h"

#define WORDS (CACHE_LINE / sizeof(u64))

static u64 lines[4][WORDS] __aligned(CACHE_LINE);

static void write_two(void *arg)
{
	(void)arg;
	WRITE_ONCE(lines[0][0], READ_ONCE(lines[2][3]));
	__atomic_fetch_add(&lines[3][WORDS - 1], 1, __ATOMIC_SEQ_CST);
}

static void write_all(void *arg)
{
	for (u32 line = 0; line < ARRAY_SIZE(lines); line++)
		for (u32 i = 0; i < WORDS; i++)
			WRITE_ONCE(lines[line][i], (u64)arg);
}

static void call_nothing(void *arg)
{
	(void)arg;
}

KTEST(write_watch, lines_that_are_known)
{
	if (!write_watch_works()) {
		ktest_skip("this CPU's data breakpoints do not see all writes");
		return;
	}
	EXPECT_EQ(lines_written(lines, sizeof(lines), call_nothing, NULL), 0);
	EXPECT_EQ(lines_written(lines, sizeof(lines), write_two, NULL), 2);
	EXPECT_EQ(lines_written(lines, sizeof(lines), write_all, NULL), 4);
	EXPECT(half_line_written(&lines[3][WORDS / 2], write_two, NULL));
	EXPECT(!half_line_written(&lines[3], write_two, NULL));
	EXPECT(!half_line_written(&lines[2], write_two, NULL));
}
