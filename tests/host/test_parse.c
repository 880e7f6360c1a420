// sources: kernel/parse.c
/* SPDX-License-Identifier: MIT */
/*
 * Numbers and words of the command line, and the texts that complain about them.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/parse.h"

static bool parse(const char *text, u64 *value)
{
	size_t len = strlen(text);
	char *exact = malloc(len ? len : 1);
	bool ok;

	memcpy(exact, text, len);
	ok = parse_u64(exact, len, value);
	free(exact);
	return ok;
}

static void good_numbers(void **state)
{
	static const struct {
		const char *text;
		u64 value;
	} cases[] = {
		{"0", 0},
		{"00", 0},
		{"7", 7},
		{"010", 10},
		{"18446744073709551615", UINT64_MAX},
		{"0x0", 0},
		{"0xffffffffffffffff", UINT64_MAX},
		{"0XabF9", 0xabf9},
		{"0xDEADbeef", 0xdeadbeef},
		{"1k", 1024},
		{"1K", 1024},
		{"3m", 3145728},
		{"3M", 3145728},
		{"2g", 2147483648},
		{"2G", 2147483648},
		{"0x10k", 16384},
		{"17179869183g", 17179869183ULL * 1073741824},
		{"0g", 0},
	};
	u64 value;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		value = 0x5a5a;
		assert_true(parse(cases[i].text, &value));
		assert_true(value == cases[i].value);
	}
}

static void bad_numbers(void **state)
{
	static const char *const texts[] = {
		"",
		"k",
		"0x",
		"0xk",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1kk",
		"1t",
		"a",
		"0xg",
		"1.5",
		"1e3",
		"x10",
		"0x1x",
		"1_000",
		"0b1",
		"99999999999999999999",
		"18446744073709551616",
		"0x10000000000000000",
		"18014398509481984k",
		"17179869184g",
	};
	u64 value = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (parse(texts[i], &value))
			fail_msg("'%s' was accepted", texts[i]);
		assert_int_equal(value, 42);
	}
}

/* What is printed comes back, at all magnitudes. */
static void numbers_come_back(void **state)
{
	u64 number = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		u64 shifted = number >> (i % 64), value;
		char text[32];

		snprintf(text, sizeof(text), i % 2 ? "%" PRIu64 : "0x%" PRIx64, shifted);
		assert_true(parse(text, &value));
		assert_true(value == shifted);
		number = number * 6364136223846793005 + 1442695040888963407;
	}
}

static void words(void **state)
{
	static const char *const list[] = {"on", "off", "one", NULL};
	static const char *const none[] = {NULL};

	(void)state;
	assert_true(is_word("on,", 2, "on"));
	assert_false(is_word("on,", 3, "on"));
	assert_false(is_word("on", 1, "on"));
	assert_true(is_word("", 0, ""));
	assert_int_equal(find_word(list, "on", 2), 0);
	assert_int_equal(find_word(list, "one", 3), 2);
	assert_int_equal(find_word(list, "o", 1), -1);
	assert_int_equal(find_word(list, "", 0), -1);
	assert_int_equal(find_word(none, "on", 2), -1);
}

static void texts_grow_and_are_cut(void **state)
{
	static const char *const list[] = {"a", "bc", NULL};
	static const char *const none[] = {NULL};
	char buffer[20];
	struct text text = text_in(buffer, sizeof(buffer));

	(void)state;
	assert_string_equal(buffer, "");
	text_add(&text, "%s-%d", "x", 5);
	text_add_words(&text, list);
	assert_string_equal(buffer, "x-5a, bc");
	text_add_words(&text, none);
	assert_string_equal(buffer, "x-5a, bcnone");
	text_add_input(&text, "\ta\x7f\xff~ ", 6);
	assert_string_equal(buffer, "x-5a, bcnone?a\?\?~ ");
	text_add(&text, "0123456789");
	assert_string_equal(buffer, "x-5a, bcnone?a\?\?~ 0");
	text_add(&text, "more");
	assert_string_equal(buffer, "x-5a, bcnone?a\?\?~ 0");
	assert_int_equal(text.used, 19);
}

static void input_is_shown_up_to_48_characters(void **state)
{
	char input[100], buffer[200];

	(void)state;
	memset(input, 'i', sizeof(input));
	for (size_t len = 0; len <= sizeof(input); len++) {
		struct text text = text_in(buffer, sizeof(buffer));

		text_add_input(&text, input, len);
		assert_int_equal(strlen(buffer), len <= 48 ? len : 48 + 3);
		assert_int_equal(strspn(buffer, "i"), len <= 48 ? len : 48);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_numbers),
		cmocka_unit_test(bad_numbers),
		cmocka_unit_test(numbers_come_back),
		cmocka_unit_test(words),
		cmocka_unit_test(texts_grow_and_are_cut),
		cmocka_unit_test(input_is_shown_up_to_48_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
