// sources: arch/x86_64/string.c
// flags: -include tests/host/rename_string.h
/* SPDX-License-Identifier: MIT */
/*
 * The kernel's memory and string functions, under other names because the C library has the same
 * ones. What is expected is worked out a byte at a time here; every length from 0 to 40 and every
 * overlap within it is tried, between fences that show a byte written outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch/x86_64/string.h"

#define FENCE 64
#define AREA  (40 + 2 * FENCE)

static unsigned char area[AREA], expected[AREA];

static void fill(void)
{
	for (int i = 0; i < AREA; i++)
		area[i] = expected[i] = (unsigned char)(i * 7 + 1);
}

static void assert_area(void)
{
	for (int i = 0; i < AREA; i++)
		assert_int_equal(area[i], expected[i]);
}

static void memset_fills_exactly(void **state)
{
	(void)state;
	for (size_t n = 0; n <= 40; n++) {
		fill();
		for (size_t i = 0; i < n; i++)
			expected[FENCE + i] = 0xa5;
		/* Only the low byte of the value counts. */
		assert_ptr_equal(memset(area + FENCE, 0x1a5, n), area + FENCE);
		assert_area();
	}
}

static void memcpy_copies_exactly(void **state)
{
	unsigned char source[40];

	(void)state;
	for (int i = 0; i < 40; i++)
		source[i] = (unsigned char)(200 - i);
	for (size_t n = 0; n <= 40; n++) {
		fill();
		for (size_t i = 0; i < n; i++)
			expected[FENCE + i] = source[i];
		assert_ptr_equal(memcpy(area + FENCE, source, n), area + FENCE);
		assert_area();
	}
}

static void memmove_survives_every_overlap(void **state)
{
	(void)state;
	for (int n = 0; n <= 40; n++) {
		for (int distance = -45; distance <= 45; distance++) {
			fill();
			for (int i = 0; i < n; i++)
				expected[FENCE + distance + i] = area[FENCE + i];
			assert_ptr_equal(memmove(area + FENCE + distance, area + FENCE, (size_t)n),
					 area + FENCE + distance);
			assert_area();
		}
	}
}

static void direction_flag_stays_clear(void **state)
{
	uint64_t flags;

	(void)state;
	memmove(area + 1, area, 8);
	__asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags));
	assert_int_equal(flags & 0x400, 0);
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void comparisons_take_bytes_as_unsigned(void **state)
{
	static const struct {
		const char *a, *b;
		size_t n;
		int mem, strn, str;
	} cases[] = {
		{"", "", 0, 0, 0, 0},
		{"abc", "abc", 4, 0, 0, 0},
		{"abc", "abd", 3, -1, -1, -1},
		{"abc", "abd", 2, 0, 0, -1},
		{"b", "abc", 1, 1, 1, 1},
		{"ab", "abc", 3, -1, -1, -1},
		{"abc", "ab", 3, 1, 1, 1},
		{"\x80", "\x7f", 1, 1, 1, 1},
		{"\xff", "", 1, 1, 1, 1},
		/* strncmp ends at the terminator, memcmp goes on. */
		{"a\0x", "a\0y", 3, -1, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(sign(memcmp(cases[i].a, cases[i].b, cases[i].n)), cases[i].mem);
		assert_int_equal(sign(strncmp(cases[i].a, cases[i].b, cases[i].n)), cases[i].strn);
		assert_int_equal(sign(strcmp(cases[i].a, cases[i].b)), cases[i].str);
	}
}

static void lengths(void **state)
{
	(void)state;
	assert_int_equal(strlen(""), 0);
	assert_int_equal(strlen("seven c"), 7);
	assert_int_equal(strnlen("seven c", 100), 7);
	assert_int_equal(strnlen("seven c", 7), 7);
	assert_int_equal(strnlen("seven c", 3), 3);
	assert_int_equal(strnlen(NULL, 0), 0);

	/* Nothing behind the limit is read: the array has no terminator, ASan watches. */
	static const char unterminated[4] = {'a', 'b', 'c', 'd'};

	assert_int_equal(strnlen(unterminated, 4), 4);
}

static void strchr_finds_the_first_and_the_terminator(void **state)
{
	static const char text[] = "a=b=c";

	(void)state;
	assert_ptr_equal(strchr(text, '='), text + 1);
	assert_ptr_equal(strchr(text, 'c'), text + 4);
	assert_ptr_equal(strchr(text, '\0'), text + 5);
	assert_null(strchr(text, 'x'));
	assert_ptr_equal(strchr(text, 'a' + 256), text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memset_fills_exactly),
		cmocka_unit_test(memcpy_copies_exactly),
		cmocka_unit_test(memmove_survives_every_overlap),
		cmocka_unit_test(direction_flag_stays_clear),
		cmocka_unit_test(comparisons_take_bytes_as_unsigned),
		cmocka_unit_test(lengths),
		cmocka_unit_test(strchr_finds_the_first_and_the_terminator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
