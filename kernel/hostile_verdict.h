/* SPDX-License-Identifier: MIT */
/*
 * Whether an operation ended as it had to.
 */
#pragma once

#include "kernel/hostile.h"

enum hostile_end {
	END_AS_DUE,
	END_DEVIATES, /* as this emulator is known to do it */
	END_WRONG,
};

/*
 * How TASK, which ended by OUTCOME, and the registers in PAGE compare with what OP expects; if
 * wrong, WHAT says what was expected and what came. Pure.
 */
enum hostile_end hostile_verdict(const struct hostile_op *op, enum outcome outcome,
				 const struct task *task, const struct hostile_page *page,
				 char *what, size_t size);
