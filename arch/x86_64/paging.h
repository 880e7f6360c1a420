/* SPDX-License-Identifier: MIT */
/*
 * Page tables of four levels (SDM Vol 3, 4.5): 4 KiB and 2 MiB pages. Nothing here flushes a TLB:
 * every function that takes a present entry away or changes one says so, and its caller flushes.
 * Mapping in different areas at once is safe; two CPUs must not change one page at the same time.
 */
#pragma once

#include "arch/x86_64/direct_map.h"
#include "arch/x86_64/errno.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/types.h"

typedef u64 pte_t;

/* Bits of an entry, SDM Vol 3 tables 4-15 to 4-20. PAT (bit 7 or 12) is never used. */
#define PTE_PRESENT  BIT(0)
#define PTE_WRITE    BIT(1)
#define PTE_USER     BIT(2)
#define PTE_PWT	     BIT(3)
#define PTE_PCD	     BIT(4)
#define PTE_ACCESSED BIT(5)
#define PTE_DIRTY    BIT(6)
#define PTE_LARGE    BIT(7) /* in a level-2 entry: a 2 MiB page. Set by map_range() alone */
#define PTE_GLOBAL   BIT(8)
#define PTE_OWNED    BIT(9) /* ignored by hardware: free for a caller's bookkeeping */
#define PTE_NX	     BIT(63)

#define PTE_ADDR_MASK	    0x000ffffffffff000UL
#define PTE_LARGE_ADDR_MASK 0x000fffffffe00000UL

/* What a caller may ask for in flags; PTE_PRESENT is added, PTE_LARGE decided here. */
#define PTE_CALLER_FLAGS                                                                           \
	(PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_PWT | PTE_PCD | PTE_ACCESSED | PTE_DIRTY |       \
	 PTE_GLOBAL | PTE_OWNED | PTE_NX)

/* map_range(): 2 MiB pages may be used. Ignored by hardware and never stored. */
#define MAP_LARGE_OK BIT(10)

/* Kernel mappings; Accessed and Dirty are set so that hardware never has to write them. */
#define PAGE_KERNEL_RO	    (PTE_ACCESSED | PTE_GLOBAL | PTE_NX)
#define PAGE_KERNEL	    (PAGE_KERNEL_RO | PTE_DIRTY | PTE_WRITE)
#define PAGE_KERNEL_EXEC    (PTE_ACCESSED | PTE_GLOBAL)
#define PAGE_KERNEL_NOCACHE (PAGE_KERNEL | PTE_PCD | PTE_PWT)

/*
 * Every leaf entry is masked with this before it is stored. All ones at start; boot code takes
 * PTE_NX away on a CPU without NX (where bit 63 is reserved) and PTE_GLOBAL where kernel mappings
 * must not be global. Set before the first mapping, the same for all CPUs.
 */
extern u64 paging_supported_flags;

/*
 * Told of every change of leaf entries of ROOT within [start, end), behind the change. NULL but
 * with zone=stale (stale_copy.c). Set at boot.
 */
extern void (*paging_changed)(phys_addr_t root, u64 start, u64 end);

/*
 * Where table frames come from and go to; defined on a higher floor (mm/table_frames.c).
 * paging_alloc_table() returns a zeroed frame, or 0 when there is none.
 */
phys_addr_t paging_alloc_table(void);
void paging_release_frame(phys_addr_t frame);

/*
 * Maps one 4 KiB page. Missing tables are made on the way. Nothing needs a flush: not-present
 * entries are not cached (SDM Vol 3, 4.10.4.3). Returns 0; -EEXIST when a present entry is there
 * already (it stays as it was); -ENOMEM without a table frame; -EINVAL when VA is not canonical,
 * VA or PA is no multiple of 4 KiB, or PA or FLAGS has bits that do not belong there.
 */
int map_page(phys_addr_t root, u64 va, phys_addr_t pa, u64 flags);

/*
 * Maps LEN bytes at VA to PA on, with 2 MiB pages where both are aligned and MAP_LARGE_OK is
 * given. All multiples of 4 KiB, LEN not 0. Errors as map_page(). After an error no entry that
 * this call made is left, but a CPU may have cached one meanwhile: the caller must treat the range
 * as one just unmapped.
 */
int map_range(phys_addr_t root, u64 va, phys_addr_t pa, u64 len, u64 flags);

/*
 * Clears the leaf entries of [va_start, va_end), both multiples of 4 KiB, holes allowed. Never
 * frees nor unlinks a table (rule R1: what was unmapped may be flushed late only because of that).
 * Panics on a 2 MiB page that the range covers in part: split it with change_flags() first.
 * Returns the number of entries cleared (a 2 MiB page counts as one). The caller flushes.
 */
u64 unmap_range_noflush(phys_addr_t root, u64 va_start, u64 va_end);

/*
 * The leaf entry for VA, present or not: *level = 1 for a 4 KiB entry, 2 for a 2 MiB page. NULL
 * when a table on the way is missing or VA is not canonical. Entries are never moved, so the
 * pointer stays good until the page is split, its table is unlinked or the root dies.
 */
pte_t *lookup_pte(phys_addr_t root, u64 va, unsigned int *level);

/*
 * What VA translates to, byte exact, and with what rights: the leaf's flags, with WRITE and USER
 * only where every level grants them and NX where any level sets it (SDM Vol 3, 4.6). False, and
 * nothing written, when VA is not mapped. PA and FLAGS may be NULL.
 */
bool walk(phys_addr_t root, u64 va, phys_addr_t *pa, u64 *flags);

/*
 * Sets and clears flags (of PTE_CALLER_FLAGS, not PTE_PRESENT) of every page in [va, va + len),
 * all of which must be mapped: else -ENOENT and nothing is changed. A 2 MiB page covered in part
 * is split first (-ENOMEM without a frame for the table, nothing is changed): a leaf is then
 * REPLACED by a table, and a CPU may use the old 2 MiB translation until it is flushed. The caller
 * therefore promises a flush of the whole range, rounded out to 2 MiB, that is not deferred.
 * A bit that hardware sets in an entry (Accessed, Dirty) at the very same time may be lost.
 */
int change_flags(phys_addr_t root, u64 va, u64 len, u64 set, u64 clear);

/*
 * Makes the PDPT of every PML4 slot that [va_start, va_end) touches, so that roots which copied
 * the upper half of ROOT never miss one that is made later. Returns 0 or -ENOMEM (may be repeated).
 */
int paging_preallocate(phys_addr_t root, u64 va_start, u64 va_end);

/*
 * Makes room for a 2 MiB page at VA, a multiple of 2 MiB: takes the page table of that range, which
 * an earlier 4 KiB mapping has left, out of the hierarchy. Returns it, or 0 if there is none. The
 * range must be the caller's alone and unmapped: panics if an entry of the table is present. A full
 * barrier. CPUs go on walking through the table until they have flushed their paging-structure
 * caches (R1), so it stays a page full of entries that are not present until the caller has seen
 * to that and gives it to paging_free_table().
 */
phys_addr_t paging_unlink_table(phys_addr_t root, u64 va) __must_check;

/*
 * Gives back the page-table page TABLE, which mapped (or was to map) VA; no entry may point to it
 * any more. The only function that does. DEFERRAL_POSSIBLE: some CPU might still owe a flush that
 * covers VA (pgtable_flush_owed() of mm/tlbflush.h knows). Panics, naming R1, when VA lies in the
 * vmalloc range and deferral is possible: a CPU walks through a freed table page for as long as it
 * has not flushed.
 */
void paging_free_table(phys_addr_t table, u64 va, bool deferral_possible);

/*
 * Ends the user half of ROOT: frees all tables below slots 0..255 and leaves the slots clear. A
 * page's frame is released too where OWNED(ctx, va, pa, flags) says so, asked once per leaf entry
 * (a 2 MiB page is released as 512 frames). OWNED may be NULL: none. The root itself stays.
 * No CPU may have ROOT loaded, and none may keep translations of it.
 */
void paging_free_user_tables(phys_addr_t root,
			     bool (*owned)(void *ctx, u64 va, phys_addr_t pa, u64 flags),
			     void *ctx);
