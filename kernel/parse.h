/* SPDX-License-Identifier: MIT */
/*
 * What the parsers of the command line share: numbers, lists of words, and error texts that name
 * the offending item and what would be valid. No state, any context.
 */
#pragma once

#include "arch/x86_64/types.h"

/* A list of words ends with NULL. */
typedef const char *const *words_t;

/*
 * LEN characters at TEXT as a number: decimal, or hexadecimal after 0x, with an optional suffix k,
 * m or g (times 1024, 1024^2, 1024^3; either case). False if it is anything else or needs more
 * than 64 bits; *value is then unchanged.
 */
bool parse_u64(const char *text, size_t len, u64 *value);

/* Whether the LEN characters at TEXT are exactly WORD. */
bool is_word(const char *text, size_t len, const char *word);

/* The index of the word of LEN characters at TEXT in LIST, or -1. */
int find_word(words_t list, const char *text, size_t len);

/* A text that grows within a buffer: cut at its end, always terminated. */
struct text {
	char *buf;
	size_t size, used;
};

/* Starts an empty text; SIZE must not be 0. */
struct text text_in(char *buf, size_t size);
void text_add(struct text *text, const char *fmt, ...) __printf(2, 3);

/*
 * Adds what the user wrote, to be recognised: at most 48 characters (then "..."), bytes outside
 * printable ASCII as '?'.
 */
void text_add_input(struct text *text, const char *input, size_t len);

/* Adds "a, b, c", or "none" for an empty list. */
void text_add_words(struct text *text, words_t list);
