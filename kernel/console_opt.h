/* SPDX-License-Identifier: MIT */
/*
 * console=: where text goes. The option may be repeated; each adds one place, at most one serial
 * port and the screen, or it says that there is none.
 */
#pragma once

#include "kernel/parse.h"

#define CONSOLE_OPTION_VALID                                                                       \
	"ttyS0[,BAUD], ttyS1[,BAUD], screen, none; BAUD is one of 9600, 19200, 38400, 57600, "     \
	"115200"

struct console_options {
	bool serial, screen, none;
	u16 port; /* I/O base of the serial port: 0x3f8 (ttyS0) or 0x2f8 (ttyS1) */
	u32 baud;
};

/*
 * Adds one console='s value, LEN characters at VALUE; all zero before the first. False if it is
 * not valid; ERR then has a text, or is left empty if CONSOLE_OPTION_VALID says it all.
 */
bool console_option_parse(struct console_options *console, const char *value, size_t len,
			  struct text *err);

/* Without any console=: ttyS0 at 115200 baud, and the screen. */
void console_option_default(struct console_options *console);
