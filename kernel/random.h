/* SPDX-License-Identifier: MIT */
/*
 * A reproducible sequence (xorshift64*, Vigna 2014) for workloads and tests. Not for secrets.
 */
#pragma once

#include "arch/x86_64/types.h"

struct random {
	u64 state;
};

/* Any seed; the same seed and stream give the same sequence. */
static inline void random_init(struct random *r, u64 seed, u64 stream)
{
	r->state = (seed + 1) * 0x9e3779b97f4a7c15UL ^ (stream + 1) * 0xd1342543de82ef95UL;
	if (!r->state)
		r->state = 1;
}

static inline u64 random_next(struct random *r)
{
	u64 x = r->state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	r->state = x;
	return x * 0x2545f4914f6cdd1dUL;
}

/* 0 .. n-1, n not 0. The bias of the remainder does not matter here. */
static inline u64 random_below(struct random *r, u64 n)
{
	return (random_next(r) >> 16) % n;
}
