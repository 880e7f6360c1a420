/* SPDX-License-Identifier: MIT */
/*
 * Lines of a report: at most REPORT_COLUMNS columns of printable ASCII, whatever text goes in
 * (a command line or a CPU's brand may hold anything). Each line is one call of the writer.
 */
#pragma once

#include "arch/x86_64/types.h"

#define REPORT_COLUMNS 100

typedef void (*report_write_fn)(const char *s, size_t n);

/* One line, without a newline in FMT; what is too long is cut and ends in '~'. */
void report_line(report_write_fn write, const char *fmt, ...) __printf(2, 3);

/* Text that is broken into lines at blanks; all but the first are indented by two. */
struct report_paragraph {
	report_write_fn write;
	size_t used;
	char line[REPORT_COLUMNS + 1]; /* and the newline */
};

/* A paragraph is begun with its label, gets any number of texts, and is ended. */
void report_paragraph_begin(struct report_paragraph *p, report_write_fn write, const char *label);
void report_paragraph_text(struct report_paragraph *p, const char *text);
void report_paragraph_format(struct report_paragraph *p, const char *fmt, ...) __printf(2, 3);
void report_paragraph_end(struct report_paragraph *p);
