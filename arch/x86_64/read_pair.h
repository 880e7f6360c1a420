/* SPDX-License-Identifier: MIT */
/*
 * A look at two words that may be unmapped meanwhile: what the oracles read.
 */
#pragma once

#include "arch/x86_64/extable.h"
#include "arch/x86_64/types.h"

/* Reads VA and the word behind it. False if that faults; *first and *second then mean nothing. */
static inline bool read_pair(u64 va, u64 *first, u64 *second)
{
	u64 vector = 0;

	__asm__ volatile("1: mov (%3), %1\n\t"
			 "2: mov 8(%3), %2\n"
			 "3:\n\t" EXTABLE("1b", "3b") EXTABLE("2b", "3b")
			 : "+a"(vector), "=&r"(*first), "=&r"(*second)
			 : "r"(va)
			 : "memory");
	return vector == 0;
}
