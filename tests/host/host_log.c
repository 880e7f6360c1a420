/* SPDX-License-Identifier: MIT */
/*
 * printk() and panic() for host tests, linked into each of them. Nothing is printed while all is
 * well: a fuzzer calls printk() a million times, and TAP owns the standard output.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86_64/log.h"
#include "arch/x86_64/relax.h"
#include "tests/host/host_log.h"

/* arch/x86_64/relax.h: waiting loops on the host do pause. */
bool relax_without_pause;

void relax_emulated(void)
{
}

jmp_buf *host_panic_jump;
char host_panic_text[512];
char host_log_text[4096];

static size_t log_used;

void host_log_clear(void)
{
	log_used = 0;
	host_log_text[0] = '\0';
}

bool host_log_has(const char *text)
{
	return strstr(host_log_text, text);
}

void printk(enum loglevel level, const char *fmt, ...)
{
	char line[512];
	va_list args;
	int length;

	(void)level;
	va_start(args, fmt);
	length = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (length < 0)
		abort();
	length = (int)strlen(line);

	/* Too full: the older text goes, this message always fits. */
	if (log_used + (size_t)length + 2 > sizeof(host_log_text))
		host_log_clear();
	snprintf(host_log_text + log_used, sizeof(host_log_text) - log_used, "%s\n", line);
	log_used += (size_t)length + 1;
}

_Noreturn void panic(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(host_panic_text, sizeof(host_panic_text), fmt, args);
	va_end(args);
	if (host_panic_jump)
		longjmp(*host_panic_jump, 1);
	fprintf(stderr, "panic that no test awaits: %s\n", host_panic_text);
	abort();
}
