/* SPDX-License-Identifier: MIT */
/*
 * Where text goes: the serial port, the screen, both or none. Callers on several CPUs never
 * interleave within a call, and nobody waits here for ever, not even an NMI that interrupted the
 * holder of the lock. printk() (arch/x86_64/log.h) is built on this.
 */
#pragma once

#include "arch/x86_64/log.h"
#include "arch/x86_64/types.h"

struct console_config {
	bool serial;
	u16 port; /* I/O port of the UART, if serial */
	u32 baud;
	bool screen;  /* a screen will be attached later */
	int loglevel; /* printk() prints messages whose level is at most this */
};

struct console_output {
	const char *name;
	size_t chunk; /* most bytes handed over in one call; waiters see progress between calls */
	void (*write)(const char *s, size_t n);
};

/*
 * Configures the console, starts the serial port and replays there what was printed so far. Until
 * then text is only kept: the first 8 KiB. A port that does not answer is left out, with a warning
 * on what remains. The first configuration counts, a later one is ignored: who gives up early can
 * ask for the serial port without knowing how far the boot has come. Context: boot CPU.
 */
void console_init(const struct console_config *config);

/*
 * Adds the screen, once it works, and replays there what was printed so far: the first 8 KiB, and
 * a line that says so if there was more. Ignored if the configuration has no screen.
 */
void console_attach_screen(const struct console_output *screen);

/* Prints N bytes as they are, at any loglevel. Any context except noinstr. */
void console_write(const char *s, size_t n);

/* Prints N bytes if LEVEL is within the configured loglevel. Any context except noinstr. */
void console_message(enum loglevel level, const char *s, size_t n);

/*
 * Takes the console over for a panic: from here on nobody takes the lock, whoever held it. Call it
 * once the other CPUs were asked to stop, for they would no longer be kept out. A console that is
 * not configured yet gets COM1 at 115200 baud. Returns true to the first caller, false to any
 * later one: a panic within a panic, or of a second CPU.
 */
bool console_panic_begin(void);
