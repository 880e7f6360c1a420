/* SPDX-License-Identifier: MIT */
/*
 * What must hold: a summary bit is 1 exactly when its word is not 0. Bits beyond the last frame
 * stay 0, so whole words can be searched.
 */
#include "mm/frame_bitmap.h"

#include "arch/x86_64/string.h"

static u64 words_for(u64 bits)
{
	return (bits + 63) / 64;
}

u64 frame_bitmap_bytes(u64 frames)
{
	return (words_for(frames) + words_for(words_for(frames))) * sizeof(u64);
}

void frame_bitmap_init(struct frame_bitmap *map, void *memory, u64 frames)
{
	map->words = memory;
	map->summary = map->words + words_for(frames);
	map->frames = frames;
	memset(memory, 0, frame_bitmap_bytes(frames));
}

bool frame_bitmap_is_free(const struct frame_bitmap *map, u64 frame)
{
	return map->words[frame / 64] >> (frame % 64) & 1;
}

/* Bits of the word of FIRST that lie in [first, first + count); *taken is their number. */
static u64 word_mask(u64 first, u64 count, u64 *taken)
{
	u64 room = 64 - first % 64;

	*taken = min(count, room);
	return ~0UL >> (64 - *taken) << (first % 64);
}

static void mark(struct frame_bitmap *map, u64 first, u64 count, bool is_free)
{
	u64 taken;

	for (; count; first += taken, count -= taken) {
		u64 index = first / 64;
		u64 mask = word_mask(first, count, &taken);

		if (is_free)
			map->words[index] |= mask;
		else
			map->words[index] &= ~mask;
		if (map->words[index])
			map->summary[index / 64] |= BIT(index % 64);
		else
			map->summary[index / 64] &= ~BIT(index % 64);
	}
}

void frame_bitmap_set_free(struct frame_bitmap *map, u64 first, u64 count)
{
	mark(map, first, count, true);
}

void frame_bitmap_set_used(struct frame_bitmap *map, u64 first, u64 count)
{
	mark(map, first, count, false);
}

/* The index of the lowest 1 in WORDS from bit FIRST on, or LIMIT. */
static u64 next_one(const u64 *words, u64 first, u64 limit)
{
	u64 index;

	if (first >= limit)
		return limit;
	index = first / 64;
	if (words[index] >> (first % 64))
		return first + (u64)__builtin_ctzl(words[index] >> (first % 64));
	for (index++; index < words_for(limit); index++) {
		if (words[index])
			return index * 64 + (u64)__builtin_ctzl(words[index]);
	}
	return limit;
}

u64 frame_bitmap_next_free(const struct frame_bitmap *map, u64 first, u64 end)
{
	u64 index, frame;

	end = min(end, map->frames);
	if (first >= end)
		return end;
	if (map->words[first / 64] >> (first % 64))
		return min(next_one(map->words, first, end), end);
	index = next_one(map->summary, first / 64 + 1, words_for(end));
	if (index >= words_for(end))
		return end;
	frame = index * 64 + (u64)__builtin_ctzl(map->words[index]);
	return min(frame, end);
}

u64 frame_bitmap_next_used(const struct frame_bitmap *map, u64 first, u64 end)
{
	end = min(end, map->frames);
	while (first < end) {
		u64 used = ~map->words[first / 64] >> (first % 64);

		if (used) {
			first += (u64)__builtin_ctzl(used);
			return min(first, end);
		}
		first = (first / 64 + 1) * 64;
	}
	return end;
}
