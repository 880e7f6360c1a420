/* SPDX-License-Identifier: MIT */
/*
 * Two worlds of page tables below one top-level slot that nobody else uses. In world 0 every
 * address translates to a page that holds the number 0, in world 1 to one that holds 1, whatever
 * the indices, at each level: so a table of one world can be hung into the other at any level, and
 * what is read tells which way was taken. Made once, never given back.
 */
#pragma once

#include "arch/x86_64/types.h"

#define CRUSTY_BASE 0xfffff10000000000UL

/* The address with these indices into page-directory-pointer table, page directory, page table. */
static inline u64 crusty_va(u64 i3, u64 i2, u64 i1)
{
	return CRUSTY_BASE + (i3 << 30) + (i2 << 21) + (i1 << 12);
}

/* False when memory is short. Any CPU, once. */
bool crusty_tables_init(void);

/* World 0 in whole, leaf entries with FLAGS set; nothing is flushed. */
void crusty_tables_reset(u64 flags);

/* World 0's entry on the way to index I: 1 the leaf, 2 to 4 the entries above it. */
volatile u64 *crusty_entry(unsigned int level, u64 i);

/* What that entry is in world WORLD; FLAGS for a leaf. */
u64 crusty_entry_of(unsigned int level, unsigned int world, u64 flags);

/* Reads a number, or writes its own back. CRUSTY_FAULT: it faulted. */
#define CRUSTY_FAULT (~0UL)
u64 crusty_read(u64 va);
u64 crusty_write(u64 va, u64 number);
