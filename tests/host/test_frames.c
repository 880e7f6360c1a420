// sources: mm/frame*.c tests/host/bed_memory.c
/* SPDX-License-Identifier: MIT */
/*
 * The frame allocator against a model of one byte a frame, on a machine with holes, reservations
 * and ranges that are no multiples of a page. The model also knows the order in which frames must
 * come: the one freed last first, since stale translations show only when frames are reused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/layout.h"
#include "mm/frames.h"
#include "tests/host/bed_memory.h"
#include "tests/host/host_log.h"

static unsigned int seed = 3;

static u64 rnd(u64 below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % below;
}

/* --- A machine of 40 MiB with what memory maps are made of --- */

#define FRAMES (MIB(40) / PAGE_SIZE)

static const struct frame_range ram[] = {
	{MIB(24), MIB(36) - 5}, /* not sorted, not aligned */
	{0, 0x9fc00},		/* below the EBDA */
	{MIB(1), MIB(10)},
	{MIB(10), MIB(12) + 0x800}, /* touches; its last frame is completed by the next */
	{MIB(12) + 0x800, MIB(12) + 0x1000},
	{MIB(11), MIB(11) + 0x3000}, /* overlaps */
	{MIB(20), MIB(20)},	     /* empty */
	{MIB(22), MIB(21)},	     /* ends before it starts */
	{MIB(38), MIB(40)},
};

static const struct frame_range reserved[] = {
	{MIB(2), MIB(3) + 1}, /* the kernel: takes a frame of which it has one byte */
	{0x8000, 0x9000},
	{MIB(24), MIB(24)}, /* empty */
	{MIB(39), MIB(50)}, /* beyond the end */
};

enum { HOLE, TAKEN, FREE };
static unsigned char model[FRAMES];
static u64 freed[100000]; /* frames in the order in which they were given back */
static u64 nr_freed;
static u64 floor_of_stack; /* frames freed before this one are forgotten: 1024 are remembered */
static u64 pops;
static u64 model_free, model_total;
static u64 data_from; /* half of all frames lie below */

/* What the two tables above come down to, written by hand. */
static void model_init(phys_addr_t bitmap, u64 bitmap_pages)
{
	static const struct frame_range usable[] = {
		{0x1, 0x8},	{0x9, 0x9f},	  {0x100, 0x200},
		{0x301, 0xc01}, {0x1800, 0x23ff}, {0x2600, 0x2700},
	};

	memset(model, HOLE, sizeof(model));
	nr_freed = model_free = 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(usable); i++)
		memset(model + usable[i].start, FREE, usable[i].end - usable[i].start);
	memset(model + bitmap / PAGE_SIZE, HOLE, bitmap_pages);
	for (u64 i = 0; i < FRAMES; i++)
		model_free += model[i] == FREE;
	model_total = model_free;
	data_from = 0;
	for (u64 below = 0; below < model_total / 2; data_from++)
		below += model[data_from] == FREE;
	while (model[data_from] != FREE)
		data_from++;
}

static void model_take(u64 frame)
{
	assert_int_equal(model[frame], FREE);
	model[frame] = TAKEN;
	model_free--;
}

static void model_give(u64 frame)
{
	assert_int_equal(model[frame], TAKEN);
	model[frame] = FREE;
	model_free++;
	if (frame < data_from)
		return;
	if (nr_freed == ARRAY_SIZE(freed)) {
		u64 shift = nr_freed - 1024;

		memmove(freed, freed + shift, 1024 * sizeof(freed[0]));
		nr_freed = 1024;
		floor_of_stack = floor_of_stack > shift ? floor_of_stack - shift : 0;
	}
	freed[nr_freed++] = frame;
}

static u64 first_free(u64 from, u64 to)
{
	for (u64 i = from; i < to; i++) {
		if (model[i] == FREE)
			return i;
	}
	return 0;
}

/* The frame that frame_alloc() must return. */
static u64 model_next(void)
{
	u64 frame = first_free(256, FRAMES);

	return frame ? frame : first_free(0, 256);
}

/* And frame_alloc_data(). */
static u64 model_next_data(void)
{
	u64 frame;

	if (nr_freed > 1024 && floor_of_stack < nr_freed - 1024)
		floor_of_stack = nr_freed - 1024;
	while (nr_freed > floor_of_stack) {
		frame = freed[--nr_freed];
		pops++;
		if (model[frame] == FREE)
			return frame;
	}
	frame = first_free(data_from, FRAMES);
	return frame ? frame : model_next();
}

static u64 model_low(u64 end)
{
	for (u64 i = 0; i < end && i < FRAMES; i++) {
		if (model[i] == FREE)
			return i;
	}
	return 0;
}

static u64 model_block(u64 count, u64 step)
{
	for (u64 first = 256; count && first + count <= FRAMES; first++) {
		u64 run = 0;

		while (first % step == 0 && run < count && model[first + run] == FREE)
			run++;
		if (run == count)
			return first;
	}
	return 0;
}

static void start(void)
{
	u64 touched = ~0UL;

	fake_memory_init(MIB(40));
	assert_null(frames_init(ram, ARRAY_SIZE(ram), reserved, ARRAY_SIZE(reserved), GIB(4)));
	for (u64 i = 0; i < FRAMES && touched == ~0UL; i++) {
		if (fake_memory_touched(i * PAGE_SIZE))
			touched = i;
	}
	assert_int_equal(touched, 0x100); /* the lowest RAM from 1 MiB on */
	assert_int_equal(fake_memory_count_touched(0, MIB(40)), 1);
	model_init(touched * PAGE_SIZE, 1);
	pops = floor_of_stack = 0;
	assert_int_equal(frame_counts().total, model_total);
	assert_int_equal(frame_counts().free, model_free);
}

static int tear_down(void **state)
{
	(void)state;
	fake_memory_free();
	return 0;
}

/* --- Tests --- */

static u64 random_taken(void)
{
	u64 frame = rnd(FRAMES);

	for (u64 i = 0; i < FRAMES; i++, frame = (frame + 1) % FRAMES) {
		if (model[frame] == TAKEN)
			return frame;
	}
	return 0;
}

static void random_step(unsigned int what)
{
	u64 frame, count, step;

	if (what < 15) {
		frame = model_next();
		assert_int_equal(frame_alloc(), frame * PAGE_SIZE);
		if (frame)
			model_take(frame);
	} else if (what < 40) {
		frame = model_next_data();
		assert_int_equal(frame_alloc_data(), frame * PAGE_SIZE);
		if (frame)
			model_take(frame);
	} else if (what < 43) {
		unsigned char zero[PAGE_SIZE] = {0};

		frame = model_next();
		if (frame)
			memset(phys_to_virt(frame * PAGE_SIZE), 0xa5, PAGE_SIZE);
		assert_int_equal(frame_alloc_zeroed(), frame * PAGE_SIZE);
		if (frame) {
			assert_memory_equal(phys_to_virt(frame * PAGE_SIZE), zero, PAGE_SIZE);
			model_take(frame);
		}
	} else if (what < 46) {
		u64 limit = rnd(3) ? MIB(1) - rnd(0x80000) : rnd(MIB(50));

		frame = model_low(limit / PAGE_SIZE);
		assert_int_equal(frame_alloc_low(limit), frame * PAGE_SIZE);
		if (frame)
			model_take(frame);
	} else if (what < 50) {
		count = rnd(2) ? rnd(20) : rnd(700);
		step = 1UL << rnd(10);
		frame = model_block(count, step);
		assert_int_equal(frame_alloc_block(count, step * PAGE_SIZE), frame * PAGE_SIZE);
		for (u64 i = 0; frame && i < count; i++)
			model_take(frame + i);
	} else if (what < 95) {
		frame = random_taken();
		if (!frame)
			return;
		frame_free(frame * PAGE_SIZE);
		model_give(frame);
	} else {
		frame = random_taken();
		for (count = 0; count < 300 && model[frame + count] == TAKEN; count++)
			continue;
		frame_free_block(frame * PAGE_SIZE, count);
		for (u64 i = 0; i < count; i++)
			model_give(frame + i);
	}
}

static void random_operations_agree_with_the_model(void **state)
{
	(void)state;
	start();
	for (unsigned int step = 0; step < 60000; step++) {
		/* Tides: mostly taking, then mostly giving back, so that both ends are reached. */
		bool taking = step / 4000 % 2 == 0;
		unsigned int what = (unsigned int)rnd(100);

		if (taking && what >= 50 && rnd(2))
			what = 0;
		if (!taking && what < 50 && rnd(2))
			what = 60;
		random_step(what);
		assert_int_equal(frame_counts().free, model_free);
	}
	assert_true(pops > 10000);

	/* To the last frame, low memory last. */
	while (model_free) {
		u64 frame = model_next();

		assert_int_equal(frame_alloc(), frame * PAGE_SIZE);
		model_take(frame);
	}
	assert_int_equal(frame_alloc(), 0);
	assert_int_equal(frame_alloc_data(), 0);
	assert_int_equal(frame_alloc_zeroed(), 0);
	assert_int_equal(frame_alloc_low(GIB(1)), 0);
	assert_int_equal(frame_alloc_block(1, PAGE_SIZE), 0);
	for (u64 i = 0; i < FRAMES; i++) {
		if (model[i] == TAKEN)
			frame_free(i * PAGE_SIZE);
	}
	assert_int_equal(frame_counts().free, model_total);
	assert_int_equal(frame_counts().total, model_total);
}

/* As data, and only as data while there is anything else. */
static void a_freed_data_frame_is_reused_at_once(void **state)
{
	phys_addr_t a, b, c;

	(void)state;
	start();
	a = frame_alloc_data();
	b = frame_alloc_data();
	c = frame_alloc_data();
	frame_free(a);
	frame_free(c);
	frame_free(b);
	assert_int_not_equal(frame_alloc(), b);
	assert_int_equal(frame_alloc_data(), b);
	assert_int_equal(frame_alloc_data(), c);
	assert_int_equal(frame_alloc_data(), a);
}

static void assert_foreign(phys_addr_t frame)
{
	assert_true(host_panics(frame_free(frame)));
	assert_non_null(strstr(host_panic_text, "foreign frame"));
}

static void wrong_frees_are_named(void **state)
{
	phys_addr_t frame;
	volatile phys_addr_t block;

	(void)state;
	start();
	frame = frame_alloc();
	frame_free(frame);
	assert_true(host_panics(frame_free(frame)));
	assert_non_null(strstr(host_panic_text, "double free"));
	frame = frame_alloc();

	static const phys_addr_t foreign[] = {
		0,	  /* never handed out */
		0x9f000,  /* RAM only in part */
		0xa0000,  /* a hole */
		0x100000, /* the bitmap */
		MIB(2),	  /* reserved */
		MIB(3),	  /* reserved in part */
		MIB(38) - PAGE_SIZE,
		MIB(39),
		MIB(40),
		GIB(64),
		0xfffffffffffff000,
	};
	for (unsigned int i = 0; i < ARRAY_SIZE(foreign); i++)
		assert_foreign(foreign[i]);
	assert_true(host_panics(frame_free(frame + 8)));
	assert_non_null(strstr(host_panic_text, "not the address of a frame"));

	/* A block with a hole in it: the text names the frame, not the block. */
	block = frame_alloc_block(4, PAGE_SIZE);
	frame_free(block + 2 * PAGE_SIZE);
	assert_true(host_panics(frame_free_block(block, 4)));
	{
		char expected[60];

		snprintf(expected, sizeof(expected), "freeing frame %lx: double free",
			 block + 2 * PAGE_SIZE);
		assert_non_null(strstr(host_panic_text, expected));
	}
	assert_true(host_panics(block = frame_alloc_block(1, 3 * PAGE_SIZE)));
	assert_true(host_panics(block = frame_alloc_block(1, 512)));

	/* A panic leaves no lock behind: what reports it may still allocate. */
	assert_int_not_equal(frame_alloc(), 0);
}

/* 12 GiB with the usual hole below 4 GiB: only the bitmap may be touched. */
static void a_big_machine_costs_its_bitmap(void **state)
{
	static const struct frame_range big[] = {{0, 0x9fc00}, {MIB(1), GIB(3)}, {GIB(4), GIB(12)}};
	static const struct frame_range kernel[] = {{MIB(2), MIB(6)}};
	u64 bytes = GIB(12) / PAGE_SIZE / 8 + GIB(12) / PAGE_SIZE / 64 / 8;
	u64 pages = (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
	phys_addr_t frame = 0;

	(void)state;
	fake_memory_init(GIB(12));
	assert_null(frames_init(big, 3, kernel, 1, MIB(64)));
	assert_int_equal(fake_memory_count_touched(0, GIB(12)), pages);
	assert_int_equal(fake_memory_count_touched(0, MIB(64)), pages);
	assert_int_equal(frame_counts().total,
			 0x9e + (GIB(11) - MIB(1) - MIB(4)) / PAGE_SIZE - pages);

	/* All of it can be had, and frames above 4 GiB are real ones. */
	assert_int_equal(frame_alloc_block(512, PMD_SIZE), MIB(6));
	for (unsigned int i = 0; i < 3; i++)
		frame = frame_alloc_block(GIB(1) / PAGE_SIZE, GIB(2));
	assert_int_equal(frame, GIB(6));
	assert_int_equal(frame_alloc_block(512, GIB(8)), GIB(8));
	for (u64 n = frame_counts().free; n; n--)
		frame = frame_alloc();
	assert_int_not_equal(frame, 0);
	assert_int_equal(frame_alloc(), 0);
	frame_free(GIB(12) - PAGE_SIZE);
	assert_int_equal(frame_alloc_low(GIB(4)), 0);
	assert_int_equal(frame_alloc(), GIB(12) - PAGE_SIZE);
	assert_int_equal(fake_memory_count_touched(0, GIB(12)), pages);
}

static void bad_machines_are_refused(void **state)
{
	static struct frame_range many[FRAMES_MAX_RAM + 1];
	const struct frame_range small = {MIB(1), MIB(17) - PAGE_SIZE};
	const struct frame_range enough = {MIB(1), MIB(17)};
	const struct frame_range high = {GIB(4), GIB(5)};
	const struct frame_range far = {DIRECT_MAP_SIZE - MIB(32), DIRECT_MAP_SIZE + MIB(64)};
	const char *error;

	(void)state;
	fake_memory_init(GIB(8));
	error = frames_init(&small, 1, NULL, 0, GIB(4));
	assert_string_equal(error, "memory: 16380 KiB are usable, at least 16384 KiB are needed");
	error = frames_init(NULL, 0, NULL, 0, GIB(4));
	assert_string_equal(error, "memory: 0 KiB are usable, at least 16384 KiB are needed");
	assert_null(frames_init(&enough, 1, NULL, 0, GIB(4)));
	error = frames_init(&high, 1, NULL, 0, GIB(4));
	assert_string_equal(error,
			    "memory: no room for a frame bitmap of 166400 bytes between 1 MiB "
			    "and 4096 MiB");
	assert_null(frames_init(&high, 1, NULL, 0, GIB(5)));
	error = frames_init(many, FRAMES_MAX_RAM + 1, NULL, 0, GIB(4));
	assert_string_equal(error, "memory map: 257 ranges of RAM, at most 256 are possible");
	error = frames_init(&enough, 1, many, FRAMES_MAX_RESERVED + 1, GIB(4));
	assert_string_equal(error, "memory map: 65 reservations, at most 64 are possible");
	host_log_clear();
	error = frames_init(&far, 1, NULL, 0, GIB(4));
	assert_non_null(strstr(error, "no room"));
	assert_true(host_log_has("64 MiB of RAM above the direct map's 64 TiB are not used"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(random_operations_agree_with_the_model, tear_down),
		cmocka_unit_test_teardown(a_freed_data_frame_is_reused_at_once, tear_down),
		cmocka_unit_test_teardown(wrong_frees_are_named, tear_down),
		cmocka_unit_test_teardown(a_big_machine_costs_its_bitmap, tear_down),
		cmocka_unit_test_teardown(bad_machines_are_refused, tear_down),
	};

	return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
