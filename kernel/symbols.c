/* SPDX-License-Identifier: MIT */
/*
 * Looks names up, see symbols.h. The table is sorted by address; it says for each symbol where it
 * starts, as an offset from KERNEL_BASE, and where its name does.
 */
#include "kernel/symbols.h"

#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/layout.h"

extern const u32 symbol_count;
extern const u32 symbol_starts[], symbol_name_at[];
extern const char symbol_names[];
extern const char kernel_text_start[], kernel_text_end[];

bool symbol_at(u64 addr, struct symbol *out)
{
	u32 low = 0, high = symbol_count; /* what is looked for lies in [low, high) */
	u64 offset = addr - KERNEL_BASE;

	if (addr < (u64)kernel_text_start || addr >= (u64)kernel_text_end || !symbol_count ||
	    offset < symbol_starts[0])
		return false;
	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (symbol_starts[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	out->name = symbol_names + symbol_name_at[low];
	out->start = KERNEL_BASE + symbol_starts[low];
	out->end = high < symbol_count ? KERNEL_BASE + symbol_starts[high] : (u64)kernel_text_end;
	return true;
}

static void add(struct text *text, u64 addr, u64 inside)
{
	struct symbol symbol;

	if (symbol_at(inside, &symbol))
		text_add(text, "%s+0x%lx", symbol.name, addr - symbol.start);
	else
		text_add(text, "0x%lx", addr);
}

void text_add_symbol(struct text *text, u64 addr)
{
	add(text, addr, addr);
}

void text_add_return_address(struct text *text, u64 addr)
{
	add(text, addr, addr - 1);
}
