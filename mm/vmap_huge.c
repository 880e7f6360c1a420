/* SPDX-License-Identifier: MIT */
/*
 * The one place where a page table of the vmalloc area goes away, see vmap_huge.h and R1.
 *
 * Order: entry cleared; every CPU flushes everything; table freed; new entry set. Until the flush
 * is over, a CPU may walk through the old table by way of a paging-structure cache; it finds a page
 * of entries that are not present, which it does not cache. Were the table freed earlier, it would
 * find whatever its next owner writes there. Were the new entry set earlier, nothing would be wrong
 * with it, but a table and a page of 2 MiB for one address are more than needs to be argued about.
 *
 * Nobody else is concerned. The 2 MiB belong to the caller's area as a whole, so no other CPU maps,
 * unmaps or makes a table there; whatever was mapped there before is unmapped, or the addresses
 * would not be free. Other CPUs work in the same page directory, on other entries. Software that
 * walks the tables of addresses that are not its own does so with interrupts off (deferrable.c):
 * then the flush waits for it.
 *
 * vfree() of such an area clears the 2 MiB entry, no table goes away, and the flush is deferrable
 * like any other. What a CPU that has not flushed may then hold is a 2 MiB translation of addresses
 * that are mapped by 4 KiB pages meanwhile. Which of the two it uses is up to it (SDM Vol 3,
 * 4.10.2.3); both are what R3 keeps it away from.
 */
#include "mm/vmap_huge.h"

#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/tlb_gen.h"
#include "mm/tlbflush.h"
#include "mm/vmap_area.h"

/* TABLE, of the 2 MiB at ADDR, was unlinked behind a full barrier. */
static void free_replaced_table(phys_addr_t table, u64 addr)
{
	u64 unlinked_at = tlb_gen_issued();

	flush_tlb_kernel_pgtable_range(addr, addr + PMD_SIZE);
	paging_free_table(table, addr, pgtable_flush_owed(unlinked_at));
	vmap_count(&vmap_counts.tables_replaced, 1);
}

bool vmap_huge_page(u64 addr, phys_addr_t block)
{
	phys_addr_t table = paging_unlink_table(vmalloc_root, addr);
	int error;

	if (table)
		free_replaced_table(table, addr);
	error = map_range(vmalloc_root, addr, block, PMD_SIZE, PAGE_KERNEL | MAP_LARGE_OK);
	if (error == -ENOMEM)
		return false;
	if (error)
		panic("vmalloc_huge: block %lx cannot be mapped at %lx: error %d", block, addr,
		      -error);
	vmap_count(&vmap_counts.huge_pages, 1);
	return true;
}
