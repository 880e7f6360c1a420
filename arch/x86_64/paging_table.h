/* SPDX-License-Identifier: MIT */
/*
 * Inside of paging: how one entry is read, written and found. Levels are the SDM's: 4 is the
 * PML4, 3 a page-directory-pointer table, 2 a page directory, 1 a page table (Vol 3, 4.5).
 */
#pragma once

#include "arch/x86_64/paging.h"

/*
 * Entries are always read and written whole, by one 8-byte MOV each: a CPU that walks meanwhile
 * sees the old or the new entry, never half of one. Acquire and release cost nothing on x86; they
 * keep the compiler from moving the zeroes of a new table behind the entry that links it.
 */
static inline pte_t pte_read(const pte_t *entry)
{
	return __atomic_load_n(entry, __ATOMIC_ACQUIRE);
}

static inline void pte_write(pte_t *entry, pte_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

/* Bytes that one entry of a table of LEVEL maps. */
static inline u64 level_size(unsigned int level)
{
	return PAGE_SIZE << (9 * (level - 1));
}

/* The entry for VA in TABLE, which is of LEVEL. */
static inline pte_t *pte_in(phys_addr_t table, u64 va, unsigned int level)
{
	return (pte_t *)phys_to_virt(table) + ((va >> (PAGE_SHIFT + 9 * (level - 1))) & 511);
}

static inline bool canonical(u64 va)
{
	return (u64)((s64)(va << 16) >> 16) == va;
}

/* [va, va + len) is not empty, does not wrap, and lies within one canonical half. */
static inline bool canonical_range(u64 va, u64 len)
{
	u64 last = va + len - 1;

	return len && last >= va && canonical(va) && canonical(last) && (va ^ last) >> 63 == 0;
}

/* What an entry that points to TABLE, below which VA lies, is to be. */
static inline pte_t table_entry(phys_addr_t table, u64 va)
{
	return table | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | (va >> 63 ? 0 : PTE_USER);
}

static inline void tell_change(phys_addr_t root, u64 start, u64 end)
{
	if (unlikely(paging_changed != NULL))
		paging_changed(root, start, end);
}

/*
 * The entry for VA in a table of level TARGET, tables made on the way. NULL: *error is -ENOMEM, or
 * -EEXIST where a 2 MiB page is in the way.
 */
pte_t *paging_make_tables(phys_addr_t root, u64 va, unsigned int target, int *error);
