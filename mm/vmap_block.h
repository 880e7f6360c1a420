/* SPDX-License-Identifier: MIT */
/*
 * vm_map_ram()'s blocks, after Linux 6.5: every CPU takes its small mappings from blocks of its
 * own, one after the other, and a page of a block is used once. What was unmapped is dirty: it
 * goes unflushed until an alias purge flushes the dirty part of every block, or until the whole
 * block is dirty and becomes a lazy area. Since no page is used twice, an address in a block is
 * reused only after the block as a whole has gone through the lazy list, and, under a policy that
 * has `lags`, has been held until no CPU lags behind that purge, which is younger than every flush
 * of its dirty parts. So the quarantine needs to know nothing of blocks.
 */
#pragma once

#include "arch/x86_64/cpu_number.h"
#include "mm/slab.h"
#include "mm/vmap_area.h"

/* Pages of the largest mapping that comes from a block. */
#define VMAP_MAX_ALLOC 64

/*
 * Pages of a block, by Linux's formula for 64 bits: a 16th of the space for blocks, 128 GiB, by
 * the number of CPUs (a power of two), not below 2 * VMAP_MAX_ALLOC nor above 1024.
 */
#define VMAP_BBMAP_BITS_MIN (2 * VMAP_MAX_ALLOC)
#define VMAP_BBMAP_BITS_MAX 1024
#define VMAP_SPACE_PAGES    (GIB(128) / PAGE_SIZE)
#define VMAP_BITS_WANTED    (VMAP_SPACE_PAGES / MAX_CPUS / 16)
#define VMAP_BBMAP_BITS                                                                            \
	(VMAP_BITS_WANTED < VMAP_BBMAP_BITS_MIN	  ? VMAP_BBMAP_BITS_MIN                            \
	 : VMAP_BITS_WANTED > VMAP_BBMAP_BITS_MAX ? VMAP_BBMAP_BITS_MAX                            \
						  : VMAP_BITS_WANTED)
#define VMAP_BLOCK_SIZE (VMAP_BBMAP_BITS * PAGE_SIZE)

/* A block with nothing live in it is given up by an alias purge if less than this is unused. */
#define VMAP_PURGE_THRESHOLD (VMAP_BBMAP_BITS / 4)

void vmap_block_init(void);

/*
 * For an alias purge: extends [*start, *end) over the dirty part of every block, which counts as
 * flushed from now on, and makes blocks lazy that are used up but for a rest. True if some dirty
 * part was found. Under the purge lock, so that nobody reads "clean" before the flush is issued.
 */
bool vmap_blocks_take_dirty(u64 *start, u64 *end);

/* Makes every block lazy that holds nothing live but has been used, for its addresses. */
void purge_fragmented_blocks_allcpus(void);

/* What blocks' structures take. */
struct slab_counts vmap_block_counts(void);
