// sources: mm/slab.c mm/frame*.c tests/host/bed_memory.c
/* SPDX-License-Identifier: MIT */
/*
 * The two small stores of vmalloc: objects of one size (slab) and lists of frames. Both are judged
 * by what they take from the frame allocator and give back, and by what objects hold meanwhile:
 * every object is filled to its last byte, so an overlap shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mm/frame_list.h"
#include "mm/frames.h"
#include "mm/slab.h"
#include "tests/host/bed_memory.h"
#include "tests/host/host_log.h"

static u64 frames_at_start;

static int set_up(void **state)
{
	const struct frame_range ram = {MIB(1), MIB(20)};

	(void)state;
	fake_memory_init(MIB(20));
	assert_null(frames_init(&ram, 1, NULL, 0, MIB(20)));
	frames_at_start = frame_counts().free;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_memory_free();
	return 0;
}

static phys_addr_t held[8192];
static unsigned int nr_held;

static void hold_all_frames_but(u64 left)
{
	while (frame_counts().free > left)
		held[nr_held++] = frame_alloc();
}

static void give_held_frames_back(void)
{
	while (nr_held)
		frame_free(held[--nr_held]);
}

static unsigned int seed = 5;

static unsigned int rnd(unsigned int below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % below;
}

#define MAX_OBJECTS 700

static void assert_filled(const unsigned char *object, u32 size, unsigned char with)
{
	for (u32 i = 0; i < size; i++)
		assert_int_equal(object[i], with);
}

static void use_slab(u32 size)
{
	static unsigned char *objects[MAX_OBJECTS], fill[MAX_OBJECTS];
	unsigned int nr = 0, most = 0;
	struct slab slab;

	slab_init(&slab, "test", size);
	for (unsigned int step = 0; step < 20000; step++) {
		/* Tides, so that pages fill up and run empty. */
		bool taking = rnd(100) < (step / 3000 % 2 ? 30 : 70);

		if (taking && nr < MAX_OBJECTS) {
			objects[nr] = slab_alloc(&slab);
			assert_non_null(objects[nr]);
			assert_int_equal((u64)objects[nr] % sizeof(u64), 0);
			assert_filled(objects[nr], size, 0);
			fill[nr] = (unsigned char)(1 + rnd(255));
			memset(objects[nr], fill[nr], size);
			nr++;
			most = max(most, nr);
		} else if (!taking && nr) {
			unsigned int i = rnd(nr);

			assert_filled(objects[i], size, fill[i]);
			slab_free(&slab, objects[i]);
			nr--;
			objects[i] = objects[nr];
			fill[i] = fill[nr];
		}
		assert_int_equal(slab_counts(&slab).objects, nr);
		assert_int_equal(slab_counts(&slab).pages, frames_at_start - frame_counts().free);
		assert_true(slab_counts(&slab).pages * (PAGE_SIZE - 64) >= nr * size);
	}
	assert_true(most > 500);
	while (nr) {
		nr--;
		assert_filled(objects[nr], size, fill[nr]);
		slab_free(&slab, objects[nr]);
	}
	/* One page is kept in reserve, the others are back. */
	assert_int_equal(slab_counts(&slab).pages, 1);
	assert_int_equal(frame_counts().free, frames_at_start - 1);
}

static void objects_do_not_overlap(void **state)
{
	static const u32 sizes[] = {8, 20, 168, 336, 1024};

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		set_up(state);
		use_slab(sizes[i]);
	}
}

/* A full page holds as many objects as fit beside 64 bytes of header; then a new one is taken. */
static void pages_are_used_up(void **state)
{
	struct slab slab;

	(void)state;
	slab_init(&slab, "test", 160);
	for (unsigned int i = 0; i < 2 * 25; i++)
		assert_non_null(slab_alloc(&slab));
	assert_int_equal(slab_counts(&slab).pages, 2);
	hold_all_frames_but(0);
	assert_null(slab_alloc(&slab));
	assert_int_equal(slab_counts(&slab).objects, 50);
	give_held_frames_back();
	assert_non_null(slab_alloc(&slab));
}

static void wrong_objects_are_refused(void **state)
{
	struct slab slab, other;
	char *a;

	(void)state;
	slab_init(&slab, "mine", 64);
	slab_init(&other, "other", 64);
	a = slab_alloc(&slab);
	slab_free(&slab, NULL);
	assert_true(host_panics(slab_free(&slab, a + 8)));
	assert_non_null(strstr(host_panic_text, "slab mine: "));
	assert_non_null(strstr(host_panic_text, " is none of its objects"));
	assert_true(host_panics(slab_free(&other, a)));
	assert_non_null(strstr(host_panic_text, "slab other: "));
	assert_true(host_panics(slab_init(&slab, "big", 1025)));
	assert_true(host_panics(slab_init(&slab, "empty", 0)));
}

/* --- Lists of frames --- */

static phys_addr_t visited[4000];
static int stop_at = -1;

static int note(void *ctx, u64 index, phys_addr_t frame)
{
	assert_ptr_equal(ctx, visited);
	visited[index] = frame;
	return (int)index == stop_at ? -7 : 0;
}

static void lists_hold_what_was_asked_for(void **state)
{
	static const u64 counts[] = {0, 1, 7, 8, 9, 518, 519, 520, 1030, 1031, 3000};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(counts); i++) {
		u64 count = counts[i], chunks = count > 8 ? (count - 8 + 510) / 511 : 0;
		struct frame_list list;

		assert_true(frame_list_fill(&list, count));
		assert_int_equal(list.count, count);
		assert_int_equal(frame_counts().free, frames_at_start - count - chunks);
		memset(visited, 0, sizeof(visited));
		assert_int_equal(frame_list_for_each(&list, note, visited), 0);
		for (u64 n = 0; n < count; n++)
			assert_int_not_equal(visited[n], 0);
		assert_int_equal(visited[count], 0);
		if (count) {
			stop_at = (int)count / 2;
			memset(visited, 0, sizeof(visited));
			assert_int_equal(frame_list_for_each(&list, note, visited), -7);
			assert_int_equal(visited[stop_at + 1], 0);
			stop_at = -1;
		}
		/* Each is a frame of its own: the allocator panics at a double free. */
		frame_list_release(&list);
		assert_int_equal(frame_counts().free, frames_at_start);
		frame_list_release(&list);
		assert_int_equal(frame_counts().free, frames_at_start);
	}
}

static void a_list_is_filled_whole_or_not_at_all(void **state)
{
	struct frame_list list;

	(void)state;
	for (u64 left = 0; left<1035; left += left> 20 && left < 500 ? 97 : 1) {
		hold_all_frames_but(left);
		/* 1031 frames need three chunks. */
		assert_int_equal(frame_list_fill(&list, 1031), left >= 1034);
		if (left < 1034)
			assert_int_equal(frame_counts().free, left);
		else
			frame_list_release(&list);
		give_held_frames_back();
		assert_int_equal(frame_counts().free, frames_at_start);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(objects_do_not_overlap, tear_down),
		cmocka_unit_test_setup_teardown(pages_are_used_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_objects_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lists_hold_what_was_asked_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_list_is_filled_whole_or_not_at_all, set_up,
						tear_down),
	};

	return cmocka_run_group_tests_name("slab", tests, NULL, NULL);
}
