/* SPDX-License-Identifier: MIT */
/*
 * Makes a memory map that can be relied on out of one that firmware made: first every range is
 * added as it is given, then they are resolved. Runs once, on the boot CPU, before there is memory
 * to allocate. Functions return NULL or an error text.
 */
#pragma once

#include "boot/boot_info.h"

/*
 * Adds one range with its E820 type (ACPI 6.5, table 15.4; multiboot2 and PVH use the same
 * numbers): 1 RAM, 3 ACPI reclaimable, 4 NVS, 5 bad, everything else reserved. A range that is
 * empty or leaves the 52 bits of a physical address is dropped and counted. Fails when full.
 */
const char *mem_map_add(struct mem_map *map, u64 base, u64 len, u32 type);

/*
 * Sorts the ranges, resolves overlaps in favour of the stronger kind, joins neighbours of one
 * kind. Fails if there is no RAM, or if more than BOOT_MAX_RANGES ranges would be left.
 */
const char *mem_map_resolve(struct mem_map *map);

/* Whether one range of RAM of a resolved map holds all of [base, base+len). */
bool mem_map_is_ram(const struct mem_map *map, phys_addr_t base, u64 len);
