/* SPDX-License-Identifier: MIT */
/*
 * Which pages of a vm_map_ram() block are in use, and where each mapping begins: so that an unmap
 * that names the wrong address or the wrong number of pages is found out. Not locked.
 */
#pragma once

#include "arch/x86_64/types.h"
#include "mm/vmap_block.h"

struct vmap_block_map {
	u64 used[VMAP_BBMAP_BITS / 64];
	u64 first[VMAP_BBMAP_BITS / 64]; /* the first page of each mapping */
};

static inline void block_map_set(u64 *map, u32 page, bool value)
{
	if (value)
		map[page / 64] |= BIT(page % 64);
	else
		map[page / 64] &= ~BIT(page % 64);
}

static inline bool block_map_test(const u64 *map, u32 page)
{
	return map[page / 64] >> (page % 64) & 1;
}

/* Enters (IN_USE) or forgets the mapping of COUNT pages that begins at FIRST. */
static inline void block_map_mark(struct vmap_block_map *map, u32 first, u32 count, bool in_use)
{
	u32 page;

	block_map_set(map->first, first, in_use);
	for (page = first; page < first + count; page++)
		block_map_set(map->used, page, in_use);
}

/* Whether one mapping takes exactly the pages [first, first + count). */
static inline bool block_map_has(const struct vmap_block_map *map, u32 first, u32 count)
{
	u32 end = first + count;
	u32 page;

	if (end > VMAP_BBMAP_BITS || !block_map_test(map->first, first))
		return false;
	for (page = first; page < end; page++) {
		if (!block_map_test(map->used, page) ||
		    (page > first && block_map_test(map->first, page)))
			return false;
	}
	return end == VMAP_BBMAP_BITS || !block_map_test(map->used, end) ||
	       block_map_test(map->first, end);
}
