/* SPDX-License-Identifier: MIT */
/*
 * The frames behind one vmalloc() area: a few in the list itself, the rest in pages of frame
 * numbers chained together, so that no length needs contiguous memory. Not locked: a list belongs
 * to its area.
 */
#pragma once

#include "arch/x86_64/types.h"

#define FRAME_LIST_INLINE 8 /* a kernel stack and a guard page: the most frequent area */

struct frame_chunk;

/* Frames of a block: 2 MiB, at a multiple of 2 MiB. */
#define FRAME_BLOCK (PMD_SIZE / PAGE_SIZE)

struct frame_list {
	u64 count;
	u64 blocks; /* the first BLOCKS * FRAME_BLOCK frames are that many blocks */
	phys_addr_t first[FRAME_LIST_INLINE];
	struct frame_chunk *chunks;
};

/* Takes COUNT frames from the frame allocator. False, nothing kept, when there are not as many. */
bool frame_list_fill(struct frame_list *list, u64 count) __must_check;

/* The same, with as many blocks at the beginning as there are to be had. */
bool frame_list_fill_blocks(struct frame_list *list, u64 count) __must_check;

/*
 * Calls VISIT for every frame, in order, with its index; stops at the first error and returns it,
 * else 0.
 */
int frame_list_for_each(const struct frame_list *list,
			int (*visit)(void *ctx, u64 index, phys_addr_t frame), void *ctx);

/* Gives all frames back, the list is empty then. */
void frame_list_release(struct frame_list *list);
