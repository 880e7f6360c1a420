/* SPDX-License-Identifier: MIT */
/*
 * Changing the rights of pages that are mapped, splitting 2 MiB pages where only a part changes.
 * What must hold: until the caller has flushed, a CPU may go on using the old rights and the old
 * page size; both lead to the same frames, so nothing else can go wrong (SDM Vol 3, 4.10.2.3).
 */
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging_table.h"

/* The lowest address above VA that another leaf maps. */
static u64 next_leaf(u64 va, unsigned int level)
{
	return ALIGN_DOWN(va, level_size(level)) + level_size(level);
}

/*
 * Makes sure that a leaf begins at VA: splits the 2 MiB page around it if there is one. The new
 * table is filled before the entry points to it, so that every walk finds the same frame with the
 * same flags, before and after. The old leaf may stay cached: see change_flags() in paging.h.
 */
static int split_at(phys_addr_t root, u64 va)
{
	unsigned int level;
	pte_t *entry = lookup_pte(root, va, &level);
	phys_addr_t table;
	pte_t *small;
	pte_t large;
	unsigned int i;

	if (!entry || level == 1 || IS_ALIGNED(va, PMD_SIZE))
		return 0;
	table = paging_alloc_table();
	if (!table)
		return -ENOMEM;
	large = pte_read(entry);
	small = phys_to_virt(table);
	for (i = 0; i < 512; i++)
		pte_write(&small[i], (large & ~PTE_LARGE) + i * PAGE_SIZE);
	pte_write(entry, table_entry(table, va));
	return 0;
}

static bool all_mapped(phys_addr_t root, u64 va, u64 end)
{
	while (va < end) {
		unsigned int level;
		const pte_t *entry = lookup_pte(root, va, &level);

		if (!entry || !(pte_read(entry) & PTE_PRESENT))
			return false;
		va = next_leaf(va, level);
	}
	return true;
}

int change_flags(phys_addr_t root, u64 va, u64 len, u64 set, u64 clear)
{
	u64 allowed = PTE_CALLER_FLAGS & ~PTE_PRESENT;
	u64 end = va + len;
	int error;

	if (!canonical_range(va, len) || !IS_ALIGNED(va | len, PAGE_SIZE) || (set & clear) ||
	    ((set | clear) & ~allowed))
		return -EINVAL;
	if (!all_mapped(root, va, end))
		return -ENOENT;
	error = split_at(root, va);
	if (!error)
		error = split_at(root, end);
	if (error)
		return error;
	while (va < end) {
		unsigned int level;
		pte_t *entry = lookup_pte(root, va, &level);

		BUG_ON(!entry);
		pte_write(entry, (pte_read(entry) & ~clear) | (set & paging_supported_flags));
		tell_change(root, va, next_leaf(va, level));
		va = next_leaf(va, level);
	}
	return 0;
}
