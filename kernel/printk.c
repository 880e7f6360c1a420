/* SPDX-License-Identifier: MIT */
/*
 * printk(): one call, one line. Errors and warnings say so; a message that names a CPU names it in
 * its text, for the CPU that prints is seldom the one that matters.
 */
#include <stdarg.h>

#include "arch/x86_64/log.h"
#include "arch/x86_64/string.h"
#include "kernel/console.h"
#include "kernel/format.h"

#define LINE_MAX 512 /* bytes of a message; it lies on the caller's stack */

void printk(enum loglevel level, const char *fmt, ...)
{
	static const char cut[] = "...\n";
	const char *prefix = level <= LOG_ERR ? "error: " : level <= LOG_WARN ? "warning: " : "";
	char line[LINE_MAX];
	size_t length = strlen(prefix);
	va_list args;

	memcpy(line, prefix, length);
	va_start(args, fmt);
	length += (size_t)vsnprintf(line + length, sizeof(line) - length, fmt, args);
	va_end(args);

	/* The newline takes the place of the NUL; text that is longer shows that it was cut. */
	if (length >= sizeof(line)) {
		length = sizeof(line);
		memcpy(line + length - strlen(cut), cut, strlen(cut));
	} else if (!length || line[length - 1] != '\n') {
		line[length++] = '\n';
	}
	console_message(level, line, length);
}
