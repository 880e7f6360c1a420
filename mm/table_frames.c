/* SPDX-License-Identifier: MIT */
/*
 * Where arch/x86_64/paging.h gets its table pages from: the frame allocator, one floor up.
 */
#include "arch/x86_64/paging.h"
#include "mm/frames.h"

phys_addr_t paging_alloc_table(void)
{
	return frame_alloc_zeroed();
}

void paging_release_frame(phys_addr_t frame)
{
	frame_free(frame);
}
