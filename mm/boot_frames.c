/* SPDX-License-Identifier: MIT */
/*
 * What the floor below needs of the frame allocator, see arch/x86_64/kernel_map.h.
 */
#include "arch/x86_64/direct_map.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/string.h"
#include "mm/frames.h"

static phys_addr_t alloc_zeroed(size_t count, u64 align)
{
	phys_addr_t first = frame_alloc_block(count, align);

	if (first)
		memset(phys_to_virt(first), 0, count * PAGE_SIZE);
	return first;
}

phys_addr_t boot_alloc_frames(size_t count)
{
	return alloc_zeroed(count, PAGE_SIZE);
}

phys_addr_t boot_alloc_root_pair(void)
{
	return alloc_zeroed(2, 2 * PAGE_SIZE);
}

phys_addr_t boot_alloc_low(void)
{
	return frame_alloc_low(MIB(1));
}
