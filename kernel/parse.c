/* SPDX-License-Identifier: MIT */
/*
 * Numbers, words and error texts for the command line's parsers.
 */
#include "kernel/parse.h"

#include "arch/x86_64/string.h"
#include "kernel/format.h"

#define INPUT_SHOWN 48

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* How many bits a suffix shifts by; 0 if C is none. */
static unsigned int suffix_shift(char c)
{
	switch (c) {
	case 'k':
	case 'K':
		return 10;
	case 'm':
	case 'M':
		return 20;
	case 'g':
	case 'G':
		return 30;
	default:
		return 0;
	}
}

bool parse_u64(const char *text, size_t len, u64 *value)
{
	unsigned int shift = len ? suffix_shift(text[len - 1]) : 0;
	int base = 10;
	u64 result = 0;

	if (shift)
		len--;
	if (len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
		len -= 2;
	}
	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		int digit = digit_of(text[i]);

		if (digit >= base || __builtin_mul_overflow(result, (u64)base, &result) ||
		    __builtin_add_overflow(result, (u64)digit, &result))
			return false;
	}
	if (__builtin_mul_overflow(result, 1ULL << shift, &result))
		return false;
	*value = result;
	return true;
}

bool is_word(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(text, word, len) == 0;
}

int find_word(words_t list, const char *text, size_t len)
{
	for (int i = 0; list[i]; i++) {
		if (is_word(text, len, list[i]))
			return i;
	}
	return -1;
}

struct text text_in(char *buf, size_t size)
{
	buf[0] = '\0';
	return (struct text){buf, size, 0};
}

void text_add(struct text *text, const char *fmt, ...)
{
	va_list args;
	int length;

	va_start(args, fmt);
	length = vsnprintf(text->buf + text->used, text->size - text->used, fmt, args);
	va_end(args);
	if (length > 0)
		text->used = min(text->used + (size_t)length, text->size - 1);
}

void text_add_input(struct text *text, const char *input, size_t len)
{
	for (size_t i = 0; i < min(len, (size_t)INPUT_SHOWN); i++)
		text_add(text, "%c", input[i] >= ' ' && input[i] <= '~' ? input[i] : '?');
	if (len > INPUT_SHOWN)
		text_add(text, "...");
}

void text_add_words(struct text *text, words_t list)
{
	if (!list[0])
		text_add(text, "none");
	for (int i = 0; list[i]; i++)
		text_add(text, "%s%s", i ? ", " : "", list[i]);
}
