// sources: mm/frame_bitmap.c mm/frame_ranges.c
/* SPDX-License-Identifier: MIT */
/*
 * The two pure parts of the frame allocator, each against an array of one byte a frame: the bitmap
 * with its summary, and the set of ranges that a memory map comes down to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mm/frame_bitmap.h"
#include "mm/frame_ranges.h"
#include "tests/host/host_log.h"

static unsigned int seed = 7;

static u64 rnd(u64 below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % below;
}

static u64 plain_next(const unsigned char *plain, u64 first, u64 end, u64 frames, int wanted)
{
	if (end > frames)
		end = frames;
	while (first < end && plain[first] != wanted)
		first++;
	return first < end ? first : end;
}

/* Sizes around the seams of words (64) and summary words (4096), and one of several of those. */
static void the_bitmap_agrees_with_bytes(void **state)
{
	static const u64 sizes[] = {1, 63, 64, 65, 4095, 4096, 4097, 13000};
	static unsigned char plain[13000];

	(void)state;
	for (unsigned int s = 0; s < ARRAY_SIZE(sizes); s++) {
		u64 frames = sizes[s];
		u64 bytes = frame_bitmap_bytes(frames);
		void *memory = malloc(bytes); /* exactly: ASan sees one byte too many */
		struct frame_bitmap map;

		memset(memory, 0xff, bytes);
		memset(plain, 0, sizeof(plain));
		frame_bitmap_init(&map, memory, frames);
		for (unsigned int step = 0; step < 4000; step++) {
			u64 first = rnd(frames);
			u64 count = rnd(4) ? rnd(3) : rnd(frames - first + 1);
			u64 from = rnd(frames + 70), end = rnd(frames + 70);

			bool give = rnd(2);

			if (count > frames - first)
				count = frames - first;
			if (give)
				frame_bitmap_set_free(&map, first, count);
			else
				frame_bitmap_set_used(&map, first, count);
			memset(plain + first, give, count);
			if (from > end)
				continue;
			assert_int_equal(frame_bitmap_next_free(&map, from, end),
					 from < frames ? plain_next(plain, from, end, frames, 1)
						       : min(end, frames));
			assert_int_equal(frame_bitmap_next_used(&map, from, end),
					 from < frames ? plain_next(plain, from, end, frames, 0)
						       : min(end, frames));
		}
		for (u64 i = 0; i < frames; i++)
			assert_int_equal(frame_bitmap_is_free(&map, i), plain[i]);
		free(memory);
	}
}

static void every_single_frame_is_found(void **state)
{
	enum { FRAMES = 3 * 4096 + 5 };
	void *memory = malloc(frame_bitmap_bytes(FRAMES));
	struct frame_bitmap map;

	(void)state;
	frame_bitmap_init(&map, memory, FRAMES);
	for (u64 i = 0; i < FRAMES; i++) {
		frame_bitmap_set_free(&map, i, 1);
		assert_int_equal(frame_bitmap_next_free(&map, 0, FRAMES), i);
		assert_int_equal(frame_bitmap_next_free(&map, i, FRAMES), i);
		assert_int_equal(frame_bitmap_next_free(&map, i + 1, FRAMES), FRAMES);
		assert_int_equal(frame_bitmap_next_free(&map, 0, i), i);
		frame_bitmap_set_used(&map, i, 1);
	}
	free(memory);
}

/* --- Ranges --- */

#define PLAIN_FRAMES 400

/* A frame counts when each of its 64 parts is RAM: ranges here are multiples of 64 bytes. */
static unsigned char plain_parts[PLAIN_FRAMES * 64];

static void the_ranges_agree_with_bytes(void **state)
{
	static struct frame_ranges set;
	static unsigned char plain[PLAIN_FRAMES];

	(void)state;
	for (unsigned int round = 0; round < 500; round++) {
		struct frame_range ram[20];
		unsigned int nr = (unsigned int)rnd(ARRAY_SIZE(ram) + 1);
		u64 count = 0;

		memset(plain_parts, 0, sizeof(plain_parts));
		for (unsigned int i = 0; i < nr; i++) {
			u64 a = rnd(sizeof(plain_parts)), b = rnd(sizeof(plain_parts));

			if (rnd(2)) {
				a = ALIGN_DOWN(a, 64UL);
				b = min(a + rnd(3) * 64, sizeof(plain_parts));
			}
			ram[i] = (struct frame_range){a * 64, b * 64}; /* start > end: ignored */
			for (u64 p = a; p < b; p++)
				plain_parts[p] = 1;
		}
		for (u64 f = 0; f < PLAIN_FRAMES; f++)
			plain[f] = !memchr(plain_parts + f * 64, 0, 64);
		frame_ranges_init(&set, ram, nr);
		for (unsigned int i = 0; i < 5; i++) {
			u64 first = rnd(PLAIN_FRAMES), end = first + rnd(PLAIN_FRAMES - first + 1);

			frame_ranges_remove(&set, first, end);
			memset(plain + first, 0, end - first);
		}
		for (u64 f = 0; f < PLAIN_FRAMES; f++) {
			assert_int_equal(frame_ranges_contain(&set, f), plain[f]);
			count += plain[f];
		}
		assert_false(frame_ranges_contain(&set, PLAIN_FRAMES));
		assert_int_equal(frame_ranges_count(&set), count);

		u64 want = 1 + rnd(20), from = rnd(PLAIN_FRAMES), end = rnd(PLAIN_FRAMES), run = 0;
		u64 place = ~0UL;

		for (u64 f = from; f < end && place == ~0UL; f++) {
			run = plain[f] ? run + 1 : 0;
			if (run == want)
				place = f + 1 - want;
		}
		assert_int_equal(frame_ranges_find(&set, want, from, end), place);
	}
}

/* The worst maps that the limits allow: every reservation cuts a range in two. */
static void the_limits_hold(void **state)
{
	static struct frame_range ram[FRAMES_MAX_RAM];
	static struct frame_ranges set;

	(void)state;
	for (u64 i = 0; i < FRAMES_MAX_RAM; i++)
		ram[i] = (struct frame_range){i * 16 * PAGE_SIZE, (i * 16 + 9) * PAGE_SIZE};
	frame_ranges_init(&set, ram, FRAMES_MAX_RAM);
	assert_int_equal(set.nr, FRAMES_MAX_RAM);
	for (u64 i = 0; i < FRAMES_MAX_RESERVED + 2; i++)
		frame_ranges_remove(&set, i * 16 + 4, i * 16 + 5);
	assert_int_equal(set.nr, FRAME_RANGES_MAX);
	assert_true(host_panics(frame_ranges_remove(&set, 200 * 16 + 4, 200 * 16 + 5)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bitmap_agrees_with_bytes),
		cmocka_unit_test(every_single_frame_is_found),
		cmocka_unit_test(the_ranges_agree_with_bytes),
		cmocka_unit_test(the_limits_hold),
	};

	return cmocka_run_group_tests_name("frame_parts", tests, NULL, NULL);
}
