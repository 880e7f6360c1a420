/* SPDX-License-Identifier: MIT */
/*
 * One bit a frame, 1 = free, and a summary bit for each 64 of them, 1 = some are free: one summary
 * word answers for 16 MiB of memory. Pure data: no lock, no notion of what memory is.
 */
#pragma once

#include "arch/x86_64/types.h"

struct frame_bitmap {
	u64 *words;
	u64 *summary;
	u64 frames; /* bits; frames from here on do not exist */
};

/* Bytes that the bits and the summary of FRAMES frames take together. */
u64 frame_bitmap_bytes(u64 frames);

/* Puts the bitmap into MEMORY (frame_bitmap_bytes() of it, 8-byte aligned): nothing is free. */
void frame_bitmap_init(struct frame_bitmap *map, void *memory, u64 frames);

bool frame_bitmap_is_free(const struct frame_bitmap *map, u64 frame);

/* Marks COUNT frames from FIRST on, whatever they were. */
void frame_bitmap_set_free(struct frame_bitmap *map, u64 first, u64 count);
void frame_bitmap_set_used(struct frame_bitmap *map, u64 first, u64 count);

/* The lowest free (used) frame in [first, end), or end when there is none. */
u64 frame_bitmap_next_free(const struct frame_bitmap *map, u64 first, u64 end);
u64 frame_bitmap_next_used(const struct frame_bitmap *map, u64 first, u64 end);
