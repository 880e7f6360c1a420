/* SPDX-License-Identifier: MIT */
/*
 * The JSON writer; see json.h.
 */
#include "kernel/json.h"

#include "arch/x86_64/string.h"
#include "kernel/format.h"

static void put(struct json *j, const char *s)
{
	j->write(s, strlen(s));
}

static void fail(struct json *j, const char *error)
{
	if (!j->error)
		j->error = error;
}

static void put_string(struct json *j, const char *s)
{
	put(j, "\"");
	while (*s) {
		char escape[8];
		size_t plain = 0;

		while (s[plain] >= ' ' && s[plain] <= '~' && s[plain] != '"' && s[plain] != '\\')
			plain++;
		if (plain)
			j->write(s, plain);
		s += plain;
		if (!*s)
			break;
		if (*s == '"' || *s == '\\')
			snprintf(escape, sizeof(escape), "\\%c", *s);
		else
			snprintf(escape, sizeof(escape), "\\u%04x", (u8)*s);
		put(j, escape);
		s++;
	}
	put(j, "\"");
}

static void new_line(struct json *j)
{
	static const char blanks[JSON_MAX_DEPTH + 1] = "        ";

	put(j, "\n");
	j->write(blanks, j->depth);
}

/* What stands before every value. False: the value must not stand here. */
static bool begin_value(struct json *j, const char *key)
{
	u32 top = j->depth - 1;

	if (j->error)
		return false;
	if (!j->depth) {
		if (j->done)
			fail(j, "a second value at the top");
		else if (key)
			fail(j, "a key at the top");
		return !j->error;
	}
	if (j->is_array[top] == !!key) {
		fail(j, key ? "a key in an array" : "no key in an object");
		return false;
	}
	if (j->has_values[top])
		put(j, ",");
	if (j->depth <= j->line_depth)
		new_line(j);
	else if (j->has_values[top])
		put(j, " ");
	j->has_values[top] = true;
	if (key) {
		put_string(j, key);
		put(j, ": ");
	}
	return true;
}

static void end_value(struct json *j)
{
	j->done = !j->depth;
}

static void open_value(struct json *j, const char *key, bool is_array)
{
	if (!j->error && j->depth == JSON_MAX_DEPTH)
		fail(j, "nested too deeply");
	if (!begin_value(j, key))
		return;
	put(j, is_array ? "[" : "{");
	j->is_array[j->depth] = is_array;
	j->has_values[j->depth] = false;
	j->depth++;
}

static void close_value(struct json *j, bool is_array)
{
	u32 top = j->depth - 1;

	if (j->error)
		return;
	if (!j->depth || j->is_array[top] != is_array) {
		fail(j, is_array ? "the end of an array that is not open"
				 : "the end of an object that is not open");
		return;
	}
	j->depth--;
	if (j->has_values[top] && j->depth < j->line_depth)
		new_line(j);
	put(j, is_array ? "]" : "}");
	end_value(j);
}

void json_begin(struct json *j, json_write_fn write, u32 line_depth)
{
	*j = (struct json){.write = write, .line_depth = line_depth};
}

void json_object_begin(struct json *j, const char *key)
{
	open_value(j, key, false);
}

void json_object_end(struct json *j)
{
	close_value(j, false);
}

void json_array_begin(struct json *j, const char *key)
{
	open_value(j, key, true);
}

void json_array_end(struct json *j)
{
	close_value(j, true);
}

void json_string(struct json *j, const char *key, const char *value)
{
	if (!begin_value(j, key))
		return;
	put_string(j, value ? value : "");
	end_value(j);
}

static void put_word(struct json *j, const char *key, const char *word)
{
	if (!begin_value(j, key))
		return;
	put(j, word);
	end_value(j);
}

void json_u64(struct json *j, const char *key, u64 value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	put_word(j, key, digits);
}

void json_decimal(struct json *j, const char *key, u64 thousandths)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%llu.%03u", (unsigned long long)(thousandths / 1000),
		 (unsigned int)(thousandths % 1000));
	put_word(j, key, digits);
}

void json_bool(struct json *j, const char *key, bool value)
{
	put_word(j, key, value ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
	put_word(j, key, "null");
}

const char *json_finish(struct json *j)
{
	if (!j->done)
		fail(j, "the document is not complete");
	if (!j->error)
		put(j, "\n");
	return j->error;
}
