/* SPDX-License-Identifier: MIT */
/*
 * How the machine ends: one line that says the verdict, then the exit of whatever emulator there
 * is, then a halt. The values are what `tools/run.py` expects.
 */
#pragma once

#include "arch/x86_64/types.h"

enum ending {
	END_PASS = 0x10,
	END_FAIL = 0x11,
	END_ERROR = 0x12,
	END_PANIC = 0x13,
	END_REFUSED = 0x14,
};

/* "pass", "fail", "error", "refused" or "panic". */
const char *ending_word(enum ending ending);

/* Prints the last line and ends the machine. Any context. */
_Noreturn void machine_end(enum ending ending);

/* end=: what the machine does behind its verdict. */
enum end_option { END_HALTS, END_REBOOTS, END_POWERS_OFF };
extern u32 end_action;

/* Seconds to wait before a reboot after a panic; 0: stay. */
extern u32 panic_reboot_seconds;
