/* SPDX-License-Identifier: MIT */
/*
 * What a policy's words say, as a table: which bits mean what. Nothing decides by it; traces and
 * the tripwire print a word with it as the initiator found it (kernel/policy_words.h).
 */
#pragma once

#include "arch/x86_64/types.h"

#define POLICY_WORD_VALUES 5

/* BITS bits from SHIFT of the first 64 bits of the CPU's shared words, or of its own ones. */
struct policy_word {
	const char *name; /* NULL ends a table */
	bool own;
	u8 shift, bits;
	const char
		*values[POLICY_WORD_VALUES]; /* names of 0, 1, ...; a number where there is none */
};

/* The flag that several policies keep among the CPU's own words: is it in the kernel? */
extern const struct policy_word in_kernel_words[];

/* The context-tracking word (context_tracking.h), and the one of range-list that has its parity. */
extern const struct policy_word ct_words[], parity_words[];
