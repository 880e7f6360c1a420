/* SPDX-License-Identifier: MIT */
/*
 * The direct map is one constant offset. A file of its own, so that a host test can leave it out
 * and lend its own array as physical memory.
 */
#include "arch/x86_64/direct_map.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/log.h"

void *phys_to_virt(phys_addr_t pa)
{
	if (unlikely(pa >= DIRECT_MAP_SIZE))
		panic("physical address %lx is beyond the direct map's %lx", pa, DIRECT_MAP_SIZE);
	return (void *)(DIRECT_MAP_BASE + pa);
}

phys_addr_t virt_to_phys_direct(const void *va)
{
	u64 offset = (u64)va - DIRECT_MAP_BASE;

	if (unlikely(offset >= DIRECT_MAP_SIZE))
		panic("address %p is not in the direct map", va);
	return offset;
}
