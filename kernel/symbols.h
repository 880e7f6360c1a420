/* SPDX-License-Identifier: MIT */
/*
 * The names of the kernel's own code, built into the image (tools/symbols.py): a machine with
 * nothing but a screen has no other place to look them up.
 */
#pragma once

#include "kernel/parse.h"

struct symbol {
	const char *name;
	u64 start, end; /* [start, end), END being where the next one starts */
};

/* The symbol that holds ADDR; false if ADDR is not in the kernel's code. Any context. */
bool symbol_at(u64 addr, struct symbol *out);

/*
 * Adds "name+0x12", or "0xffffffff80201234" where there is no name. A return address
 * belongs to the symbol that holds the byte before it.
 */
void text_add_symbol(struct text *text, u64 addr);
void text_add_return_address(struct text *text, u64 addr);
