/* SPDX-License-Identifier: MIT */
/*
 * See crusty_tables.h.
 */
#include "kernel/crusty_tables.h"

#include "arch/x86_64/extable.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/paging.h"

#define TABLE_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)
#define LEVELS	    3

/* Of each world: page, page table, page directory, page-directory-pointer table. */
static phys_addr_t frame[2][LEVELS + 1];

u64 crusty_entry_of(unsigned int level, unsigned int world, u64 flags)
{
	u64 below = frame[world][level - 1];

	return below | (level == 1 ? (flags | PTE_PRESENT) & paging_supported_flags : TABLE_FLAGS);
}

volatile u64 *crusty_entry(unsigned int level, u64 i)
{
	if (level > LEVELS)
		return (volatile u64 *)phys_to_virt(kernel_root) + (CRUSTY_BASE >> 39 & 511);
	return (volatile u64 *)phys_to_virt(frame[0][level]) + i;
}

/* Both worlds are full: all 512 entries of a table lead to the same. */
static void fill(unsigned int world, u64 flags)
{
	for (unsigned int level = 1; level <= LEVELS; level++) {
		volatile u64 *table = phys_to_virt(frame[world][level]);

		for (u32 i = 0; i < 512; i++)
			table[i] = crusty_entry_of(level, world, flags);
	}
}

bool crusty_tables_init(void)
{
	for (unsigned int world = 0; world < 2; world++) {
		for (unsigned int level = 0; level <= LEVELS; level++) {
			frame[world][level] = boot_alloc_frames(1);
			if (!frame[world][level])
				return false;
		}
		*(u64 *)phys_to_virt(frame[world][0]) = world;
		fill(world, PAGE_KERNEL & ~PTE_GLOBAL);
	}
	*crusty_entry(LEVELS + 1, 0) = crusty_entry_of(LEVELS + 1, 0, 0);
	return true;
}

/* Few entries are ever used: the first of each level. */
#define USED 8

void crusty_tables_reset(u64 flags)
{
	for (unsigned int level = 1; level <= LEVELS; level++)
		for (u64 i = 0; i < USED; i++)
			*crusty_entry(level, i) = crusty_entry_of(level, 0, flags);
	*crusty_entry(LEVELS + 1, 0) = crusty_entry_of(LEVELS + 1, 0, 0);
}

u64 crusty_read(u64 va)
{
	u64 vector = CRUSTY_FAULT;
	u64 number;

	__asm__ volatile("1: mov (%2), %1\n"
			 "2:\n\t" EXTABLE("1b", "2b")
			 : "+a"(vector), "=&r"(number)
			 : "r"(va)
			 : "memory");
	return vector == CRUSTY_FAULT ? number : CRUSTY_FAULT;
}

u64 crusty_write(u64 va, u64 number)
{
	u64 vector = CRUSTY_FAULT;

	__asm__ volatile("1: mov %1, (%2)\n"
			 "2:\n\t" EXTABLE("1b", "2b")
			 : "+a"(vector)
			 : "r"(number), "r"(va)
			 : "memory");
	return vector == CRUSTY_FAULT ? number : CRUSTY_FAULT;
}
