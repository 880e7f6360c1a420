// sources: kernel/json.c kernel/format.c
// flags: -Dsnprintf=kernel_snprintf -Dvsnprintf=kernel_vsnprintf
/* SPDX-License-Identifier: MIT */
/*
 * The JSON writer: the exact text of small documents, every byte a string can hold, and each call
 * that JSON does not allow, which must be named and must stop the output.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/json.h"

static char text[8192];
static size_t used;

static void keep(const char *s, size_t n)
{
	assert_true(used + n < sizeof(text));
	memcpy(text + used, s, n);
	used += n;
	text[used] = '\0';
}

static struct json begin(u32 line_depth)
{
	struct json j;

	used = 0;
	text[0] = '\0';
	json_begin(&j, keep, line_depth);
	return j;
}

static void documents_of_one_value(void **state)
{
	struct json j = begin(0);

	(void)state;
	json_u64(&j, NULL, UINT64_MAX);
	assert_null(json_finish(&j));
	assert_string_equal(text, "18446744073709551615\n");

	j = begin(0);
	json_string(&j, NULL, NULL);
	assert_null(json_finish(&j));
	assert_string_equal(text, "\"\"\n");

	j = begin(9);
	json_array_begin(&j, NULL);
	json_array_end(&j);
	assert_null(json_finish(&j));
	assert_string_equal(text, "[]\n");

	j = begin(9);
	json_object_begin(&j, NULL);
	json_object_end(&j);
	assert_null(json_finish(&j));
	assert_string_equal(text, "{}\n");
}

static void write_nested(struct json *j)
{
	json_object_begin(j, NULL);
	json_bool(j, "yes", true);
	json_array_begin(j, "list");
	json_u64(j, NULL, 0);
	json_null(j, NULL);
	json_object_begin(j, NULL);
	json_string(j, "a", "b");
	json_bool(j, "no", false);
	json_object_end(j);
	json_array_begin(j, NULL);
	json_array_end(j);
	json_array_end(j);
	json_u64(j, "last", 7);
	json_object_end(j);
}

static void nesting_and_lines(void **state)
{
	static const char *const expected[] = {
		"{\"yes\": true, \"list\": [0, null, {\"a\": \"b\", \"no\": false}, []], "
		"\"last\": 7}\n",
		"{\n \"yes\": true,\n \"list\": [0, null, {\"a\": \"b\", \"no\": false}, []],\n"
		" \"last\": 7\n}\n",
		"{\n \"yes\": true,\n \"list\": [\n  0,\n  null,\n  {\"a\": \"b\", \"no\": "
		"false},\n"
		"  []\n ],\n \"last\": 7\n}\n",
		"{\n \"yes\": true,\n \"list\": [\n  0,\n  null,\n  {\n   \"a\": \"b\",\n"
		"   \"no\": false\n  },\n  []\n ],\n \"last\": 7\n}\n",
	};

	(void)state;
	for (u32 lines = 0; lines < 4; lines++) {
		struct json j = begin(lines);

		write_nested(&j);
		assert_null(json_finish(&j));
		assert_string_equal(text, expected[lines]);
	}
}

/* Decoded again here by the rules of RFC 8259, section 7. */
static void strings_hold_every_byte(void **state)
{
	char all[256];
	struct json j = begin(0);
	const char *p;

	(void)state;
	for (int i = 1; i < 256; i++)
		all[i - 1] = (char)i;
	all[255] = '\0';
	json_object_begin(&j, NULL);
	json_string(&j, all, "plain");
	json_object_end(&j);
	assert_null(json_finish(&j));

	p = text + strlen("{\"");
	for (int i = 1; i < 256; i++) {
		assert_in_range(*p, 0x20, 0x7e);
		assert_int_not_equal(*p, '"');
		if (*p != '\\') {
			assert_int_equal(*p++, i);
		} else if (p[1] == 'u') {
			static const char hex[] = "0123456789abcdef";

			assert_memory_equal(p, "\\u00", 4);
			assert_int_equal((strchr(hex, p[4]) - hex) * 16 + (strchr(hex, p[5]) - hex),
					 i);
			p += 6;
		} else {
			assert_int_equal(p[1], i);
			p += 2;
		}
	}
	assert_string_equal(p, "\": \"plain\"}\n");
}

static void no_key(struct json *j)
{
	json_object_begin(j, NULL);
	json_u64(j, NULL, 1);
}

static void key_in_array(struct json *j)
{
	json_array_begin(j, NULL);
	json_null(j, "k");
}

static void key_at_top(struct json *j)
{
	json_object_begin(j, "k");
}

static void second_value(struct json *j)
{
	json_u64(j, NULL, 1);
	json_u64(j, NULL, 2);
}

static void crossed_ends(struct json *j)
{
	json_array_begin(j, NULL);
	json_object_end(j);
}

static void crossed_ends_too(struct json *j)
{
	json_object_begin(j, NULL);
	json_array_end(j);
}

static void end_of_nothing(struct json *j)
{
	json_object_end(j);
}

static void end_after_all(struct json *j)
{
	json_array_begin(j, NULL);
	json_array_end(j);
	json_array_end(j);
}

static void too_deep(struct json *j)
{
	for (int i = 0; i < 9; i++)
		json_array_begin(j, NULL);
}

static void left_open(struct json *j)
{
	json_array_begin(j, NULL);
}

static void left_open_with_values(struct json *j)
{
	json_array_begin(j, NULL);
	json_u64(j, NULL, 1);
	json_array_begin(j, NULL);
	json_array_end(j);
}

static void nothing_at_all(struct json *j)
{
	(void)j;
}

static void misuse_is_named_and_stops_the_output(void **state)
{
	static const struct {
		void (*calls)(struct json *j);
		const char *error, *text;
	} cases[] = {
		{no_key, "no key in an object", "{"},
		{key_in_array, "a key in an array", "["},
		{key_at_top, "a key at the top", ""},
		{second_value, "a second value at the top", "1"},
		{crossed_ends, "the end of an object that is not open", "["},
		{crossed_ends_too, "the end of an array that is not open", "{"},
		{end_of_nothing, "the end of an object that is not open", ""},
		{end_after_all, "the end of an array that is not open", "[]"},
		{too_deep, "nested too deeply", "[[[[[[[["},
		{left_open, "the document is not complete", "["},
		{left_open_with_values, "the document is not complete", "[1, []"},
		{nothing_at_all, "the document is not complete", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct json j = begin(0);

		cases[i].calls(&j);
		if (i < 9) { /* the first error stays, whatever follows */
			json_string(&j, "more", "text");
			json_array_begin(&j, NULL);
			json_array_end(&j);
		}
		assert_string_equal(json_finish(&j), cases[i].error);
		assert_string_equal(text, cases[i].text);
	}
}

static void the_greatest_depth_works(void **state)
{
	struct json j = begin(99);

	(void)state;
	for (int i = 0; i < JSON_MAX_DEPTH; i++)
		json_array_begin(&j, NULL);
	for (int i = 0; i < JSON_MAX_DEPTH; i++)
		json_array_end(&j);
	assert_null(json_finish(&j));
	assert_non_null(strstr(text, "[\n       []\n      ]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_of_one_value),
		cmocka_unit_test(nesting_and_lines),
		cmocka_unit_test(strings_hold_every_byte),
		cmocka_unit_test(misuse_is_named_and_stops_the_output),
		cmocka_unit_test(the_greatest_depth_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
