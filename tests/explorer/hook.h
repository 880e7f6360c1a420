/* SPDX-License-Identifier: MIT */
/*
 * Running a policy's hook by its history, see op.h, and what a policy's words are here.
 */
#pragma once

#include "mm/policy/policy.h"
#include "tests/explorer/op.h"
#include "tests/explorer/state.h"

/* What a hook did: it ended with a value, or it is about to carry out an operation. */
struct hook_run {
	bool ended;
	u64 value;    /* ended: what it returned */
	struct op op; /* not ended */
};

/* The policy and the doors that are run from now on, within bounds_now. */
void hook_select(const struct flush_policy *policy, bool two_roots);
const struct flush_policy *hook_policy(void);

/* Whether there is such a hook. */
bool hook_exists(enum hook hook);

/* Runs the hook of F, on CPU, until it ends or wants what its history does not answer. */
struct hook_run hook_run(const struct state *s, unsigned int cpu, const struct frame *f);

/*
 * The Ith operation of a hook that has ended, carried out already: its history has the answer.
 * False: it had no more.
 */
bool hook_op(const struct state *s, unsigned int cpu, const struct frame *f, u32 i, struct op *op);

/*
 * The words as reset() leaves them, and a call of exit() on CPU with its operations carried out at
 * once: a target begins in ring 3.
 */
void hook_reset_words(u32 nr_cpus);
void hook_exit_at_once(unsigned int cpu);

/* "need_ipi" */
const char *hook_name(enum hook hook);

/* --- Words as cells of 8 bytes ---------------------------------------------------------------- */

/* The cell of ADDR; aborts with a message if it is no policy word or there are too many. */
u8 cell_of(const void *addr);
const void *cell_address(u8 cell);
u64 cell_initial(u8 cell);

/* Whose line ADDR is in: a CPU's, or CELL_GLOBAL; and whether initiators may write it. */
#define CELL_GLOBAL 0xff
u8 cell_owner(const void *addr, bool *shared);
