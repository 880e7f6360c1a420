/* SPDX-License-Identifier: MIT */
/*
 * run=stacks: what it found of one policy, and the verdict on that.
 */
#pragma once

#include "kernel/ending.h"
#include "kernel/result.h"
#include "kernel/stack_oracle.h"
#include "mm/policy/policy.h"

#define STACKS_REASON_MAX 120

struct stacks_row {
	const struct flush_policy *policy;
	unsigned int roots;
	u64 starts, reused, other_frame, owed, lost, corrupted;
	struct stack_counts counts; /* of all isolated CPUs */
	enum verdict verdict;
	char reason[STACKS_REASON_MAX];
};

/* Of ROUNDS rounds, so many have to be a test of each kind. */
u64 stacks_least(const struct stacks_row *row, u64 rounds);

/* Fills verdict and reason, unless there is a reason already, which is that of a failure. */
void stacks_judge(struct stacks_row *row, u64 rounds);

/* The table of ROWS, on the console. */
void stacks_print(const struct stacks_row *rows, u32 nr);

/* The worst row decides; what was broken on purpose and not convicted is an error. */
enum ending stacks_ending(const struct stacks_row *rows, u32 nr);
