/* SPDX-License-Identifier: MIT */
/*
 * See document.h. What a document is made of, as far as blanks and its end need it: strings, with
 * escaped characters in them, and brackets.
 */
#include "kernel/document.h"

#include "kernel/debugcon.h"

static char text[DEFLATE_INPUT_MAX];
static size_t used;
static u32 open; /* brackets */
static bool in_string, escaped;

static void keep(char c)
{
	if (in_string) {
		in_string = c != '"' || escaped;
		escaped = c == '\\' && !escaped;
	} else {
		if (c == ' ' || c == '\n')
			return;
		in_string = c == '"';
		open += c == '{' || c == '[';
		open -= c == '}' || c == ']';
	}
	if (used < sizeof(text))
		text[used] = c;
	used++;
}

void document_write(const char *s, size_t n)
{
	if (debugcon_present())
		debugcon_write(s, n);
	for (size_t i = 0; i < n; i++)
		keep(s[i]);
}

const char *document_text(size_t *length)
{
	*length = used;
	return used && !open ? text : NULL;
}
