/* SPDX-License-Identifier: MIT */
/*
 * What the makers of operations by seed share.
 */
#pragma once

#include "kernel/hostile.h"
#include "kernel/random.h"

/* The pieces of kernel/hostile_code.asm. */
#define DECLARE_SNIPPET(id) extern const u8 op_##id[], op_##id##_end[], op_##id##_at[];
#define CODE(op, id)	    hostile_code(op, op_##id, op_##id##_end)
#define AT(id)		    ((u64)(op_##id##_at - op_##id))

struct maker {
	const struct hostile_world *world;
	struct random random;
	struct hostile_op *op;
};

/* 0 .. n-1; an address of any kind, at a multiple of 16. */
u64 fuzz_below(struct maker *m, u64 n);
struct hostile_area fuzz_area(struct maker *m);

/* Families about segments and flags, hostile_fuzz_far.c. */
void fuzz_selector(struct maker *m);
void fuzz_far(struct maker *m);
void fuzz_return(struct maker *m);
void fuzz_iret(struct maker *m);
void fuzz_popf(struct maker *m);
