/* SPDX-License-Identifier: MIT */
/*
 * The firmware's memory map, made sorted and disjoint. Real ones have overlaps, holes and ranges
 * in any order; what is claimed by anything but RAM is never handed out as RAM.
 */
#include "boot/mem_map.h"

#include "arch/x86_64/string.h"

/* SDM 4.1.4: no x86-64 CPU has more. Below it no sum of base and length can wrap. */
#define PHYS_LIMIT (1ULL << 52)

static enum mem_kind kind_of(u32 type)
{
	switch (type) {
	case 1:
		return MEM_RAM;
	case 3:
		return MEM_ACPI_RECLAIMABLE;
	case 4:
		return MEM_ACPI_NVS;
	case 5:
		return MEM_BAD;
	default:
		return MEM_RESERVED;
	}
}

const char *mem_map_add(struct mem_map *map, u64 base, u64 len, u32 type)
{
	if (len == 0 || base >= PHYS_LIMIT || len > PHYS_LIMIT - base) {
		map->dropped++;
		return NULL;
	}
	if (map->nr == BOOT_MAX_RANGES)
		return "memory map: more than 256 ranges";
	map->range[map->nr++] = (struct mem_range){base, len, kind_of(type)};
	return NULL;
}

static u64 end_of(const struct mem_range *range)
{
	return range->base + range->len;
}

/* The first address at or after POS that a range holds, or PHYS_LIMIT. */
static u64 next_held(const struct mem_map *map, u64 pos)
{
	u64 next = PHYS_LIMIT;

	for (u32 i = 0; i < map->nr; i++) {
		const struct mem_range *r = &map->range[i];

		if (r->base <= pos && pos < end_of(r))
			return pos;
		if (r->base > pos)
			next = min(next, r->base);
	}
	return next;
}

/*
 * The longest piece from POS on in which the same input ranges hold: it ends at the nearest begin
 * or end of any range after POS. Its kind is the strongest that holds there.
 */
static struct mem_range piece_at(const struct mem_map *map, u64 pos)
{
	struct mem_range piece = {pos, PHYS_LIMIT - pos, MEM_RAM};

	for (u32 i = 0; i < map->nr; i++) {
		const struct mem_range *r = &map->range[i];

		if (r->base > pos) {
			piece.len = min(piece.len, r->base - pos);
		} else if (end_of(r) > pos) {
			piece.len = min(piece.len, end_of(r) - pos);
			piece.kind = max(piece.kind, r->kind);
		}
	}
	return piece;
}

/*
 * Walks the address space piece by piece. Every step moves to a begin or an end of an input range,
 * so there are at most 2 * BOOT_MAX_RANGES of them.
 */
const char *mem_map_resolve(struct mem_map *map)
{
	static struct mem_map input; /* 6 KiB: too much for the boot stack */
	bool ram = false;

	memcpy(&input, map, sizeof(input));
	map->nr = 0;
	for (u64 pos = next_held(&input, 0); pos < PHYS_LIMIT;) {
		struct mem_range piece = piece_at(&input, pos);
		struct mem_range *last = map->nr ? &map->range[map->nr - 1] : NULL;

		if (last && last->kind == piece.kind && end_of(last) == pos) {
			last->len += piece.len;
		} else {
			if (map->nr == BOOT_MAX_RANGES)
				return "memory map: more than 256 ranges once overlaps are "
				       "resolved";
			map->range[map->nr++] = piece;
		}
		ram |= piece.kind == MEM_RAM;
		pos = next_held(&input, end_of(&piece));
	}
	return ram ? NULL : "memory map: no RAM in it";
}

bool mem_map_is_ram(const struct mem_map *map, phys_addr_t base, u64 len)
{
	for (u32 i = 0; i < map->nr; i++) {
		const struct mem_range *r = &map->range[i];

		if (r->kind == MEM_RAM && base >= r->base && base - r->base <= r->len &&
		    len <= r->len - (base - r->base))
			return true;
	}
	return false;
}
