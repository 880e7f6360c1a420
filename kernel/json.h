/* SPDX-License-Identifier: MIT */
/*
 * Writes one JSON document (RFC 8259) as a stream, all ASCII. Commas, nesting and keys are its
 * business: a call that JSON does not allow stops the output and is named by json_finish(), so a
 * document that is whole is also well formed.
 */
#pragma once

#include "arch/x86_64/types.h"

#define JSON_MAX_DEPTH 8

typedef void (*json_write_fn)(const char *s, size_t n);

struct json {
	json_write_fn write;
	const char *error;
	u32 depth;	/* of open objects and arrays */
	u32 line_depth; /* values at most this deep begin a line, deeper ones share one */
	bool done;	/* the one top-level value is complete */
	bool is_array[JSON_MAX_DEPTH];
	bool has_values[JSON_MAX_DEPTH];
};

void json_begin(struct json *j, json_write_fn write, u32 line_depth);

/*
 * One value each. KEY is its name in an object, and NULL in an array and for the document itself.
 * A string is a sequence of bytes up to NUL: those outside ASCII are written as the characters
 * U+0080..U+00FF. NULL as a string is written as "".
 */
void json_object_begin(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array_begin(struct json *j, const char *key);
void json_array_end(struct json *j);
void json_string(struct json *j, const char *key, const char *value);
void json_u64(struct json *j, const char *key, u64 value);
/* THOUSANDTHS / 1000, with three digits behind the point. */
void json_decimal(struct json *j, const char *key, u64 thousandths);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);

/* Ends the document with a newline. Returns NULL, or what was wrong with the first bad call. */
const char *json_finish(struct json *j);
