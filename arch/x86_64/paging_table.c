/* SPDX-License-Identifier: MIT */
/*
 * The life of page-table pages: made when first needed, by any CPU at any time; taken out for a
 * 2 MiB page by paging_unlink_table(); given back only through paging_free_table(), which is where
 * rule R1 is kept.
 */
#include "arch/x86_64/paging_table.h"
#include "arch/x86_64/log.h"

/*
 * The table that ENTRY points to, made if there is none; 0 without memory, and ENTRY's value if
 * that turns out to be a leaf. Two CPUs that map in different areas may both find the entry empty:
 * both make a table, one compare-and-exchange wins, and the loser's table, which no CPU can have
 * seen in any hierarchy, goes back at once.
 */
static pte_t get_table(pte_t *entry, u64 va)
{
	pte_t seen = pte_read(entry);
	phys_addr_t table;

	if (seen & PTE_PRESENT)
		return seen;
	table = paging_alloc_table();
	if (!table)
		return 0;
	if (__atomic_compare_exchange_n(entry, &seen, table_entry(table, va), false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return table_entry(table, va);
	paging_free_table(table, va, false);
	return seen;
}

pte_t *paging_make_tables(phys_addr_t root, u64 va, unsigned int target, int *error)
{
	phys_addr_t table = root;
	unsigned int level;

	for (level = 4; level > target; level--) {
		pte_t value = get_table(pte_in(table, va, level), va);

		if (!value || (value & PTE_LARGE)) {
			*error = value ? -EEXIST : -ENOMEM;
			return NULL;
		}
		table = value & PTE_ADDR_MASK;
	}
	return pte_in(table, va, target);
}

int paging_preallocate(phys_addr_t root, u64 va_start, u64 va_end)
{
	u64 slot = level_size(4);
	u64 va = ALIGN_DOWN(va_start, slot);
	u64 slots = (ALIGN_DOWN(va_end - 1, slot) - va) / slot + 1;
	int error;

	BUG_ON(!canonical_range(va_start, va_end - va_start));
	for (; slots; slots--, va += slot) {
		if (!paging_make_tables(root, va, 3, &error))
			return error;
	}
	return 0;
}

phys_addr_t paging_unlink_table(phys_addr_t root, u64 va)
{
	pte_t *entry = pte_in(root, va, 4);
	pte_t value = pte_read(entry);
	const pte_t *small;
	unsigned int level;

	BUG_ON(!IS_ALIGNED(va, PMD_SIZE));
	for (level = 4; level > 2 && (value & PTE_PRESENT); level--) {
		entry = pte_in(value & PTE_ADDR_MASK, va, level - 1);
		value = pte_read(entry);
	}
	if (!(value & PTE_PRESENT) || (value & PTE_LARGE))
		return 0;
	small = phys_to_virt(value & PTE_ADDR_MASK);
	for (unsigned int i = 0; i < 512; i++)
		if (pte_read(&small[i]) & PTE_PRESENT)
			panic("the page table of %lx is to be replaced, but %lx is mapped", va,
			      va + i * PAGE_SIZE);
	__atomic_exchange_n(entry, 0, __ATOMIC_SEQ_CST);
	return value & PTE_ADDR_MASK;
}

void paging_free_table(phys_addr_t table, u64 va, bool deferral_possible)
{
	if (deferral_possible && va >= VMALLOC_START && va < VMALLOC_END)
		panic("R1: page-table page %lx of vmalloc address %lx freed while deferral is "
		      "possible",
		      table, va);
	paging_release_frame(table);
}

struct user_frames {
	bool (*owned)(void *ctx, u64 va, phys_addr_t pa, u64 flags);
	void *ctx;
};

static void free_leaf(pte_t value, u64 va, unsigned int level, const struct user_frames *frames)
{
	phys_addr_t pa = value & (level == 1 ? PTE_ADDR_MASK : PTE_LARGE_ADDR_MASK);
	u64 flags = value & PTE_CALLER_FLAGS;
	u64 offset;

	if (!frames->owned || !frames->owned(frames->ctx, va, pa, flags))
		return;
	for (offset = 0; offset < level_size(level); offset += PAGE_SIZE)
		paging_release_frame(pa + offset);
}

/* Frees TABLE, of LEVEL, whose first entry maps VA, and all below it. Depth 3 at most. */
static void free_tables(phys_addr_t table, u64 va, unsigned int level,
			const struct user_frames *frames)
{
	const pte_t *entries = phys_to_virt(table);
	unsigned int i;

	for (i = 0; i < 512; i++) {
		pte_t value = pte_read(&entries[i]);
		u64 entry_va = va + i * level_size(level);

		if (!(value & PTE_PRESENT))
			continue;
		if (level == 1 || (value & PTE_LARGE))
			free_leaf(value, entry_va, level, frames);
		else
			free_tables(value & PTE_ADDR_MASK, entry_va, level - 1, frames);
	}
	paging_free_table(table, va, true);
}

void paging_free_user_tables(phys_addr_t root,
			     bool (*owned)(void *ctx, u64 va, phys_addr_t pa, u64 flags), void *ctx)
{
	const struct user_frames frames = {owned, ctx};
	pte_t *slots = phys_to_virt(root);
	unsigned int i;

	for (i = 0; i < 256; i++) {
		pte_t value = pte_read(&slots[i]);

		if (!(value & PTE_PRESENT))
			continue;
		pte_write(&slots[i], 0);
		free_tables(value & PTE_ADDR_MASK, i * level_size(4), 3, &frames);
	}
}
