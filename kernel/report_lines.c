/* SPDX-License-Identifier: MIT */
/*
 * Lines and paragraphs of a report; see report_lines.h.
 */
#include "kernel/report_lines.h"

#include <stdarg.h>

#include "arch/x86_64/string.h"
#include "kernel/format.h"

#define INDENT 2

static void clean(char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] < ' ' || s[i] > '~')
			s[i] = '?';
}

void report_line(report_write_fn write, const char *fmt, ...)
{
	char line[REPORT_COLUMNS + 1];
	va_list args;
	size_t n;

	va_start(args, fmt);
	n = (size_t)vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (n > REPORT_COLUMNS) {
		n = REPORT_COLUMNS;
		line[n - 1] = '~';
	}
	clean(line, n);
	while (n && line[n - 1] == ' ')
		n--;
	line[n++] = '\n';
	write(line, n);
}

static void flush(struct report_paragraph *p)
{
	clean(p->line, p->used);
	p->line[p->used] = '\n';
	p->write(p->line, p->used + 1);
	memset(p->line, ' ', INDENT);
	p->used = INDENT;
}

/* A word goes on a new line if that helps; one longer than any line is broken. */
static void add_word(struct report_paragraph *p, const char *word, size_t n)
{
	bool blank = p->used > INDENT;

	if (blank && p->used + 1 + n > REPORT_COLUMNS) {
		flush(p);
		blank = false;
	}
	if (blank)
		p->line[p->used++] = ' ';
	while (p->used + n > REPORT_COLUMNS) {
		size_t part = REPORT_COLUMNS - p->used;

		memcpy(p->line + p->used, word, part);
		p->used += part;
		word += part;
		n -= part;
		flush(p);
	}
	memcpy(p->line + p->used, word, n);
	p->used += n;
}

void report_paragraph_begin(struct report_paragraph *p, report_write_fn write, const char *label)
{
	p->write = write;
	p->used = 0;
	add_word(p, label, strlen(label));
}

void report_paragraph_text(struct report_paragraph *p, const char *text)
{
	while (*text) {
		const char *end = text;

		while (*end && *end != ' ')
			end++;
		if (end != text)
			add_word(p, text, (size_t)(end - text));
		text = *end ? end + 1 : end;
	}
}

void report_paragraph_format(struct report_paragraph *p, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	report_paragraph_text(p, text);
}

void report_paragraph_end(struct report_paragraph *p)
{
	flush(p);
}
