/* SPDX-License-Identifier: MIT */
/*
 * A sorted set of frame numbers as ranges: what RAM is ours. Built once from the memory map, then
 * only asked. Pure data, no lock.
 */
#pragma once

#include "mm/frames.h"

/* Each reservation cuts at most one range in two, as do frame 0 and the bitmap. */
#define FRAME_RANGES_MAX (FRAMES_MAX_RAM + FRAMES_MAX_RESERVED + 2)

struct frame_ranges {
	unsigned int nr;
	struct frame_range range[FRAME_RANGES_MAX]; /* start and end are frame numbers here */
};

/*
 * Takes the RAM of a memory map (bytes, any order, overlaps and empty ranges allowed): joins what
 * touches, then drops frames that are RAM only in part. NR at most FRAMES_MAX_RAM.
 */
void frame_ranges_init(struct frame_ranges *set, const struct frame_range *ram, unsigned int nr);

/* Takes the frames [first, end) out of the set. */
void frame_ranges_remove(struct frame_ranges *set, u64 first, u64 end);

bool frame_ranges_contain(const struct frame_ranges *set, u64 frame);
u64 frame_ranges_count(const struct frame_ranges *set);

/*
 * The lowest place of COUNT frames within one range, in [from, end). ~0UL when there is none.
 */
u64 frame_ranges_find(const struct frame_ranges *set, u64 count, u64 from, u64 end);
