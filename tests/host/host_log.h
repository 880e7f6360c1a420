/* SPDX-License-Identifier: MIT */
/*
 * The kernel's words (arch/x86_64/log.h) on the host: messages are kept so that a test can read
 * them, and a panic is an event that a test can await. A panic that nobody awaits aborts.
 */
#pragma once

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

/* Where panic() jumps to (with value 1); NULL: it prints its text and aborts. */
extern jmp_buf *host_panic_jump;
extern char host_panic_text[512];

/* What printk() was given since the last clear, one message a line, the newest 4 KiB. */
extern char host_log_text[4096];
void host_log_clear(void);
bool host_log_has(const char *text);

/*
 * Runs STATEMENT and yields true if it panicked; the text is then in host_panic_text. Locals that
 * STATEMENT changes must be volatile if they are read afterwards (C11 7.13.2.1).
 */
#define host_panics(statement)                                                                     \
	({                                                                                         \
		jmp_buf panic_jump_;                                                               \
		volatile bool panicked_ = true;                                                    \
		host_panic_jump = &panic_jump_;                                                    \
		if (setjmp(panic_jump_) == 0) {                                                    \
			statement;                                                                 \
			panicked_ = false;                                                         \
		}                                                                                  \
		host_panic_jump = NULL;                                                            \
		(bool)panicked_;                                                                   \
	})
