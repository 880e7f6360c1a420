// sources: kernel/format.c
// flags: -Dsnprintf=kernel_snprintf -Dvsnprintf=kernel_vsnprintf
/* SPDX-License-Identifier: MIT */
/*
 * The kernel's formatting against the C library's. Every conversion meets every set of flags,
 * width, precision and length, with values at the edges and random ones; text, length and
 * truncation must agree to the byte. What the two may differ in (%p of NULL, unknown conversions)
 * has its expectations written out.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/format.h"

/* The kernel's functions were renamed by the flags above; this is the C library's own. */
#undef snprintf
extern int snprintf(char *restrict buf, size_t size, const char *restrict fmt, ...);

/* Formats are generated, cut and overlong on purpose. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-overflow"
#pragma GCC diagnostic ignored "-Wformat-truncation"

#define ROOM 600

static unsigned long compared;

#define assert_same(size, ...)                                                                     \
	do {                                                                                       \
		char theirs[ROOM], ours[ROOM];                                                     \
		int their_length, our_length;                                                      \
		memset(theirs, 0x55, ROOM);                                                        \
		memset(ours, 0x55, ROOM);                                                          \
		their_length = snprintf(theirs, size, __VA_ARGS__);                                \
		our_length = kernel_snprintf(ours, size, __VA_ARGS__);                             \
		if (their_length != our_length || memcmp(theirs, ours, ROOM))                      \
			fail_msg("size %zu: expected %d '%s', got %d '%s'", (size_t)(size),        \
				 their_length, theirs, our_length, ours);                          \
		compared++;                                                                        \
	} while (0)

static const char *const flag_sets[] = {"",   "-",  "0",  "+",	" ",   "#",   "-0",  "+0",
					" 0", "#0", "-+", "+ ", "-#0", "+-0", "# -", "+ -#0"};
static const char *const widths[] = {"", "1", "2", "9", "20", "70"};
static const char *const precisions[] = {"", ".", ".0", ".1", ".3", ".19", ".40"};

/* Values at the edges of every type, then random ones of random size. */
static uint64_t value_number(int i)
{
	static const uint64_t edges[] = {0,
					 1,
					 9,
					 10,
					 0x7f,
					 0x80,
					 0xff,
					 0x7fff,
					 0x8000,
					 0xffff,
					 INT_MAX,
					 (uint64_t)INT_MIN,
					 UINT_MAX,
					 INT64_MAX,
					 1ULL << 63,
					 UINT64_MAX,
					 1ULL << 32,
					 UINT64_MAX - 9,
					 99999999999ULL};
	uint64_t value;

	if (i < (int)(sizeof(edges) / sizeof(edges[0])))
		return edges[i];
	value = (uint64_t)mrand48() << 32 ^ (uint64_t)mrand48();
	return value >> (lrand48() % 64);
}

static void compare_number(const char *fmt, const char *length, bool is_signed, uint64_t value)
{
	if (!strcmp(length, "l") && is_signed)
		assert_same(ROOM, fmt, (long)value);
	else if (!strcmp(length, "l"))
		assert_same(ROOM, fmt, (unsigned long)value);
	else if (!strcmp(length, "ll") && is_signed)
		assert_same(ROOM, fmt, (long long)value);
	else if (!strcmp(length, "ll"))
		assert_same(ROOM, fmt, (unsigned long long)value);
	else if (!strcmp(length, "z"))
		assert_same(ROOM, fmt, (size_t)value);
	else if (is_signed)
		assert_same(ROOM, fmt, (int)value);
	else
		assert_same(ROOM, fmt, (unsigned)value);
}

static void numbers_as_libc_prints_them(void **state)
{
	static const char conversions[] = "diuxX";
	static const char *const lengths[] = {"", "h", "hh", "l", "ll", "z"};
	char fmt[64];

	(void)state;
	srand48(1);
	for (size_t c = 0; c < strlen(conversions); c++)
		for (size_t f = 0; f < ARRAY_SIZE(flag_sets); f++)
			for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
				for (size_t p = 0; p < ARRAY_SIZE(precisions); p++)
					for (size_t l = 0; l < ARRAY_SIZE(lengths); l++) {
						snprintf(fmt, sizeof(fmt), "<%%%s%s%s%s%c>",
							 flag_sets[f], widths[w], precisions[p],
							 lengths[l], conversions[c]);
						for (int i = 0; i < 22; i++)
							compare_number(fmt, lengths[l],
								       conversions[c] == 'd' ||
									       conversions[c] ==
										       'i',
								       value_number(i));
					}
	assert_true(compared > 100000);
}

static void strings_and_characters_as_libc_prints_them(void **state)
{
	static const char *const texts[] = {"", "a", "abc", "a longer text, twenty+",
					    "\x80\xff\n\t%d"};
	char fmt[64];

	(void)state;
	for (int left = 0; left < 2; left++)
		for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
			for (size_t p = 0; p < ARRAY_SIZE(precisions); p++) {
				snprintf(fmt, sizeof(fmt), "<%%%s%s%ss>", left ? "-" : "",
					 widths[w], precisions[p]);
				for (size_t t = 0; t < ARRAY_SIZE(texts); t++)
					assert_same(ROOM, fmt, texts[t]);
				snprintf(fmt, sizeof(fmt), "<%%%s%sc>", left ? "-" : "", widths[w]);
				assert_same(ROOM, fmt, 'x');
				assert_same(ROOM, fmt, '\0');
			}
	assert_same(ROOM, "100%%, %%d, %5s%%", "x");
	assert_same(ROOM, "%s", "");
	assert_same(ROOM, "no conversion");
}

static void stars_take_arguments(void **state)
{
	(void)state;
	for (int width = -30; width <= 30; width += 3)
		for (int precision = -2; precision <= 24; precision++) {
			assert_same(ROOM, "<%*.*s>", width, precision, "some text of a length");
			assert_same(ROOM, "<%*.*lx>", width, precision, 0xfedcba987UL);
			assert_same(ROOM, "<%0*d|%.*u>", width, -77, precision, 99U);
		}
}

static void every_size_cuts_alike(void **state)
{
	(void)state;
	for (size_t size = 0; size < 60; size++) {
		assert_same(size, "%s: %-8d|%08lx|%+d %c%%", "a name", 12345, 0xabcUL, 9, 'q');
		assert_same(size, "%40d%-40d", 1, 2);
		assert_same(size, "%.30d", 7);
	}
	assert_int_equal(kernel_snprintf(NULL, 0, "%d and %s", 12, "more"), 11);
}

static void a_precision_bounds_what_is_read(void **state)
{
	char *exact = malloc(4);

	(void)state;
	assert_non_null(exact);
	memcpy(exact, "abcd", 4); /* no NUL: reading a fifth byte is an ASan report */
	assert_same(ROOM, "%.4s", exact);
	assert_same(ROOM, "%.*s", 3, exact);
	free(exact);
}

static void pointers(void **state)
{
	char text[64];

	(void)state;
	assert_same(ROOM, "%p|%20p|%-20p|", (void *)1, (void *)0xffffffff80200000UL, (void *)0xabc);
	kernel_snprintf(text, sizeof(text), "%p", NULL);
	assert_string_equal(text, "0x0");
	kernel_snprintf(text, sizeof(text), "%s|%.3s", (char *)NULL, (char *)NULL);
	assert_string_equal(text, "(null)|(nu");
}

static void unknown_conversions_stand_as_they_are(void **state)
{
	static const struct {
		const char *fmt, *expected;
	} cases[] = {
		{"%", "%"},
		{"x%", "x%"},
		{"%5", "%5"},
		{"%-08.3l", "%-08.3l"},
		{"%q %d", "%q 42"},
		{"%f%d", "%f42"},
		{"%n|%d", "%n|42"},
		{"%y%%%d", "%y%42"},
		{"%5k|%d", "%5k|42"},
		{"%\x80%d", "%\x80"
			    "42"},
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(kernel_snprintf(text, sizeof(text), cases[i].fmt, 42),
				 strlen(cases[i].expected));
		assert_string_equal(text, cases[i].expected);
	}
}

/* Padding is counted, not printed: with a loop over it this test would take minutes. */
static void huge_widths_cost_nothing(void **state)
{
	char text[8];

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(kernel_snprintf(text, sizeof(text), "%*d", INT_MAX, 5), INT_MAX);
		assert_string_equal(text, "       ");
		assert_int_equal(kernel_snprintf(text, sizeof(text), "%99999999999999999999d", 5),
				 INT_MAX);
		assert_int_equal(kernel_snprintf(text, sizeof(text), "%*s|", INT_MIN, "ab"),
				 INT_MAX);
		assert_string_equal(text, "ab     ");
		assert_int_equal(kernel_snprintf(text, sizeof(text), "%.2147483647d%5d", 5, 6),
				 INT_MAX);
		assert_string_equal(text, "0000000");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_as_libc_prints_them),
		cmocka_unit_test(strings_and_characters_as_libc_prints_them),
		cmocka_unit_test(stars_take_arguments),
		cmocka_unit_test(every_size_cuts_alike),
		cmocka_unit_test(a_precision_bounds_what_is_read),
		cmocka_unit_test(pointers),
		cmocka_unit_test(unknown_conversions_stand_as_they_are),
		cmocka_unit_test(huge_widths_cost_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
