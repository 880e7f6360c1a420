/* SPDX-License-Identifier: MIT */
/*
 * Ring 3's root, see roots.h. Its kernel half is the same for all tasks: two top-level entries, one
 * shared with the kernel's root (the CPU areas), one with tables of its own in which only the entry
 * code and its data are mapped. Both are made once and never change, so no flush is ever owed for
 * them (R2).
 */
#include "arch/x86_64/roots.h"

#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/cpu_number.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging_table.h"
#include "arch/x86_64/stale_copy.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/zone.h"

#define USER_HALF 256 /* top-level entries */

extern const char entry_text_start[], entry_text_end[];
extern const char entry_data_start[], entry_data_end[];

u64 cr3_ring3_bits __section(".entry.data");
u64 cr3_noflush __section(".entry.data");
bool two_roots;

static phys_addr_t entry_root;

static bool share_pages(const char *start, const char *end)
{
	for (u64 va = (u64)start; va < (u64)end; va += PAGE_SIZE) {
		phys_addr_t pa;
		u64 flags;

		BUG_ON(!walk(kernel_root, va, &pa, &flags));
		if (map_page(entry_root, va, pa, flags & ~PTE_PRESENT))
			return false;
	}
	return true;
}

const char *roots_init(void)
{
	cr3_ring3_bits = CR3_RING3_ROOT | (cpu_features.pcid ? CR3_RING3_PCID : 0);
	cr3_noflush = cpu_features.pcid ? CR3_NOFLUSH : 0;
	entry_root = paging_alloc_table();
	if (!entry_root || !share_pages(entry_text_start, entry_text_end) ||
	    !share_pages(entry_data_start, entry_data_end))
		return "memory is too short for the tables of ring 3's root";
	return NULL;
}

/* VA: the first address that TABLE maps. */
static void set_global_below(phys_addr_t table, unsigned int level, u64 va, bool global)
{
	pte_t *entry = phys_to_virt(table);

	for (unsigned int i = 0; i < 512; i++, va += level_size(level)) {
		pte_t value = pte_read(&entry[i]);

		if (!(value & PTE_PRESENT))
			continue;
		if (level > 1 && !(value & PTE_LARGE))
			set_global_below(value & PTE_ADDR_MASK, level - 1, va, global);
		else if (!ring3_root_maps(va, va + PAGE_SIZE)) /* both roots may keep that */
			pte_write(&entry[i], global ? value | PTE_GLOBAL : value & ~PTE_GLOBAL);
	}
}

static void set_global(phys_addr_t root, bool global, unsigned int slot, unsigned int end)
{
	const pte_t *top = phys_to_virt(root);

	for (; slot < end; slot++)
		if (top[slot] & PTE_PRESENT)
			set_global_below(top[slot] & PTE_ADDR_MASK, 3, ~0UL << 48 | (u64)slot << 39,
					 global);
}

void roots_select(bool two)
{
	if (two == two_roots)
		return;
	two_roots = two;
	if (!cpu_features.pge)
		return;
	if (two)
		paging_supported_flags &= ~PTE_GLOBAL;
	else
		paging_supported_flags |= PTE_GLOBAL;
	set_global(kernel_root, !two, USER_HALF, 512);
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		if (kernel_root_of(cpu) != kernel_root)
			set_global(kernel_root_of(cpu), !two, VMALLOC_SLOT,
				   VMALLOC_SLOT + VMALLOC_SLOTS);
}

/* zone=stale: what a flush reads before it switches to the kernel's root (stale_copy.c). */
static void share_direct_map(pte_t *ring3, const pte_t *kernel)
{
	unsigned int first = DIRECT_MAP_BASE >> 39 & 511;

	memcpy(ring3 + first, kernel + first, (DIRECT_MAP_SIZE >> 39) * sizeof(pte_t));
}

void roots_split(phys_addr_t root)
{
	pte_t *kernel = phys_to_virt(root);
	pte_t *ring3 = phys_to_virt(root + PAGE_SIZE);
	const pte_t *shared = phys_to_virt(entry_root);
	unsigned int cpu_areas = CPU_AREA_BASE >> 39 & 511;

	for (unsigned int slot = 0; slot < USER_HALF; slot++)
		ring3[slot] = kernel[slot] & ~PTE_NX;
	memcpy(ring3 + USER_HALF, shared + USER_HALF, USER_HALF * sizeof(pte_t));
	ring3[cpu_areas] = kernel[cpu_areas];
	if (zone_mode == ZONE_STALE)
		share_direct_map(ring3, kernel);
	for (unsigned int slot = 0; slot < USER_HALF && cpu_features.nx; slot++)
		if (kernel[slot] & PTE_PRESENT)
			kernel[slot] |= PTE_NX;
}
