// sources: mm/v*.c mm/area_*.c mm/slab.c mm/frame*.c arch/x86_64/paging*.c tests/host/bed_*.c
// flags: -DCONFIG_CONTEXT_TRACKING_WORK=1
/* SPDX-License-Identifier: MIT */
/*
 * vmalloc as a whole against a simple model: 300,000 random calls of every entry point, some with
 * memory running out in the middle. The model is one record a page of address space and knows
 *
 *	what the page is mapped to, read back by a walker that is not the kernel's,
 *	whether it is free, live, a guard page, lazy, or part of a block,
 *	whether it was mapped since the last flush that covered it: then it must not be handed out.
 *
 * From this it predicts every address (lowest fit), every flush to the byte, in order, and how many
 * frames are in use at the moment of each flush: vfree()'s are free by then, except that a flush of
 * debug_pagealloc comes first, as in Linux.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/host/bed_memory.h"
#include "tests/host/bed_vmalloc.h"
#include "tests/host/host_log.h"

#define PAGES	     (1UL << 18) /* of address space that the model covers */
#define BLOCK_PAGES  1024UL
#define BLOCK_FRINGE 256UL /* a block with fewer unused pages is given up */
#define MAX_LIVE     160
#define MEMORY	     MIB(96)

enum state { FREE, LIVE, GUARD, LAZY, BLOCK };

static struct page {
	phys_addr_t mapped; /* 0: not */
	phys_addr_t owned;  /* the frame that vfree() gives back; a hole may have one */
	unsigned char state;
	bool unflushed;
} page[PAGES];
static u64 high_water; /* pages from here on were never used */

enum kind { VMALLOC, VMAP, RAM, KINDS };

static struct live {
	enum kind kind;
	u64 first, count;
} live[MAX_LIVE];
static struct live freed_last = {VMAP, 0, 1};
static unsigned int nr_live;

/* Newest first, since that is where vm_map_ram() looks first. */
#define MAX_BLOCKS 64
static struct block {
	u64 first;
	unsigned int cpu;
	u64 free, dirty, dirty_min, dirty_max;
} blocks[MAX_BLOCKS];
static unsigned int nr_blocks;

static u64 lazy_pages, lazy_low, lazy_high;
static bool debug;

static unsigned char frame_taken[MEMORY / PAGE_SIZE]; /* by a live vmalloc() area */
static u64 frames_in_areas;

static phys_addr_t held[MEMORY / PAGE_SIZE];
static u64 nr_held;

static u64 seed;

static u64 rnd(u64 below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static u64 va_of(u64 index)
{
	return VMALLOC_START + index * PAGE_SIZE;
}

/* --- Flushes: what is expected, what comes --- */

static struct bed_flush expected[BED_MAX_FLUSHES];
static unsigned int nr_expected;
static u64 frames_at_first_flush, frames_at_later_flushes;
static bool frames_predicted;

/* Within a flush: PTEs are clear, frames are free; after it, its range is clean. */
static void on_flush(u64 start, u64 end)
{
	u64 first = (start - VMALLOC_START) / PAGE_SIZE;
	u64 last = min((end - VMALLOC_START) / PAGE_SIZE, PAGES);

	if (frames_predicted)
		assert_int_equal(bed_frames_in_areas() - nr_held,
				 bed_nr_flushes ? frames_at_later_flushes : frames_at_first_flush);
	for (u64 i = first; i < last; i++) {
		if (page[i].unflushed)
			assert_int_equal(bed_frame_at(va_of(i), NULL), 0);
		page[i].unflushed = false;
	}
}

static void expect_flush(u64 start, u64 end)
{
	expected[nr_expected++] = (struct bed_flush){start, end};
}

/* After a call that was modelled only when it was over: its flushes have been. */
static void mark_flushed(void)
{
	for (unsigned int n = 0; n < nr_expected; n++) {
		u64 first = (expected[n].start - VMALLOC_START) / PAGE_SIZE;
		u64 end = (expected[n].end - VMALLOC_START) / PAGE_SIZE;

		for (u64 i = first; i < end; i++)
			page[i].unflushed = false;
	}
}

static void check_flushes(void)
{
	assert_int_equal(bed_nr_flushes, nr_expected);
	for (unsigned int i = 0; i < nr_expected; i++) {
		assert_int_equal(bed_flushes[i].start, expected[i].start);
		assert_int_equal(bed_flushes[i].end, expected[i].end);
	}
	nr_expected = 0;
	bed_forget_flushes();
	frames_predicted = false;
}

/* --- The model's own vmalloc --- */

static u64 purges, threshold_purges;

static void make_lazy(u64 first, u64 count)
{
	for (u64 i = first; i < first + count; i++)
		page[i].state = LAZY;
	lazy_low = lazy_pages ? min(lazy_low, first) : first;
	lazy_high = lazy_pages ? max(lazy_high, first + count) : first + count;
	lazy_pages += count;
}

static bool purge(u64 start, u64 end)
{
	if (!lazy_pages)
		return false;
	expect_flush(min(start, va_of(lazy_low)), max(end, va_of(lazy_high)));
	for (u64 i = lazy_low; i < lazy_high; i++) {
		if (page[i].state == LAZY)
			page[i].state = FREE;
	}
	lazy_pages = 0;
	purges++;
	return true;
}

static void drain(void)
{
	if (lazy_pages > lazy_max_pages() && purge(~0UL, 0))
		threshold_purges++;
}

static void make_unflushed(u64 first, u64 count)
{
	for (u64 i = first; i < first + count; i++) {
		page[i].mapped = 0;
		page[i].unflushed = true;
	}
}

/*
 * The lowest run of COUNT free pages in [from, end). ALIGNED: for a block, the lowest that has them
 * aligned in whatever way (see area_tree_fit()). ~0UL if there is none.
 */
static u64 lowest_fit(u64 count, bool aligned, u64 from, u64 end)
{
	u64 need = aligned ? 2 * count - 1 : count, run = 0;

	for (u64 i = from; i < end; i++) {
		run = page[i].state == FREE ? run + 1 : 0;
		if (run == need) {
			u64 first = i + 1 - need;

			return aligned ? (first + count - 1) / count * count : first;
		}
	}
	return ~0UL;
}

static void take(u64 first, u64 count, enum state state)
{
	assert_true(first + count <= PAGES);
	high_water = max(high_water, first + count);
	for (u64 i = first; i < first + count; i++) {
		assert_int_equal(page[i].state, FREE);
		assert_false(page[i].unflushed); /* the point of it all */
		page[i].state = (unsigned char)state;
	}
}

static u64 frames_for(enum kind kind, u64 count)
{
	return kind == VMALLOC ? count + bed_chunks_of(count) : 0;
}

static void block_delete(unsigned int i)
{
	make_lazy(blocks[i].first, BLOCK_PAGES);
	nr_blocks--;
	memmove(&blocks[i], &blocks[i + 1], (nr_blocks - i) * sizeof(blocks[0]));
}

/* Blocks with nothing live and fewer than LIMIT unused pages become lazy. */
static void give_blocks_up(u64 limit)
{
	for (unsigned int i = 0; i < nr_blocks;) {
		if (blocks[i].free + blocks[i].dirty == BLOCK_PAGES && blocks[i].free < limit)
			block_delete(i);
		else
			i++;
	}
}

static u64 rounded(u64 count)
{
	u64 pages = 1;

	while (pages < count)
		pages *= 2;
	return pages;
}

static void block_unmap(unsigned int i, u64 first, u64 count)
{
	struct block *b = &blocks[i];
	u64 offset = first - b->first, pages = rounded(count);

	make_unflushed(first, count);
	if (debug)
		expect_flush(va_of(first), va_of(first + count));
	b->dirty_min = min(b->dirty_min, offset);
	b->dirty_max = max(b->dirty_max, offset + pages);
	b->dirty += pages;
	if (b->dirty == BLOCK_PAGES) {
		block_delete(i);
		drain();
	}
}

static unsigned int block_at(u64 first)
{
	for (unsigned int i = 0; i < nr_blocks; i++) {
		if (first >= blocks[i].first && first < blocks[i].first + BLOCK_PAGES)
			return i;
	}
	fail_msg("the model has no block there");
	return 0;
}

/* --- Calls --- */

static u64 calls[10], failures, half_way_failures;
static bool may_fail;
static phys_addr_t frames[400];

static void random_frames(u64 count)
{
	for (u64 i = 0; i < count; i++)
		frames[i] = GIB(1) + rnd(1000000) * PAGE_SIZE;
}

static void enter(enum kind kind, u64 first, u64 count)
{
	live[nr_live++] = (struct live){kind, first, count};
	for (u64 i = 0; i < count; i++) {
		phys_addr_t frame = bed_frame_at(va_of(first + i), NULL);

		assert_int_not_equal(frame, 0);
		page[first + i].mapped = frame;
		if (kind == VMALLOC) {
			assert_false(frame_taken[frame / PAGE_SIZE]);
			frame_taken[frame / PAGE_SIZE] = true;
			page[first + i].owned = frame;
		} else {
			assert_int_equal(frame, frames[i]);
		}
	}
	frames_in_areas += frames_for(kind, count);
}

static void do_alloc(enum kind kind, u64 count, u64 from, u64 end)
{
	u64 freed_before = vmalloc_stats().areas_freed, first;
	void *addr;

	random_frames(count);
	if (kind == VMALLOC)
		addr = vmalloc(count * PAGE_SIZE - rnd(PAGE_SIZE));
	else if (kind == RAM)
		addr = vm_map_ram(frames, (unsigned int)count);
	else if (end == PAGES)
		addr = vmap(frames, (unsigned int)count, PAGE_KERNEL);
	else
		addr = vmap_range(frames, (unsigned int)count, PAGE_KERNEL, va_of(from),
				  va_of(end));
	first = lowest_fit(count + 1, false, from, end);
	if (first == ~0UL) {
		/* No place, only possible in a window: purged and tried once more. */
		assert_true(end < PAGES);
		if (may_fail && !addr && !bed_nr_flushes) {
			failures++; /* no memory to begin with, or nothing to purge */
			return;
		}
		give_blocks_up(BLOCK_PAGES);
		purge(~0UL, 0);
		first = lowest_fit(count + 1, false, from, end);
		if (first == ~0UL) {
			assert_null(addr);
			return;
		}
	}
	if (addr) {
		assert_int_equal((u64)addr, va_of(first));
		take(first, count, LIVE);
		take(first + count, 1, GUARD);
		enter(kind, first, count);
		return;
	}
	assert_true(may_fail);
	failures++;
	if (vmalloc_stats().areas_freed == freed_before)
		return;
	/* It ran dry while mapping: the area went the way of all areas. */
	half_way_failures++;
	take(first, count + 1, LIVE);
	make_unflushed(first, count + 1);
	if (debug)
		expect_flush(va_of(first), va_of(first + count + 1));
	make_lazy(first, count + 1);
	drain();
	mark_flushed();
}

static void do_map_in_block(u64 count)
{
	u64 blocks_before = vmalloc_stats().blocks_allocated, pages = rounded(count), first;
	unsigned int i;
	void *addr;

	random_frames(count);
	addr = vm_map_ram(frames, (unsigned int)count);
	for (i = 0; i < nr_blocks; i++) {
		if (blocks[i].cpu == bed_cpu && blocks[i].free >= pages)
			break;
	}
	if (i == nr_blocks) {
		if (!addr && vmalloc_stats().blocks_allocated == blocks_before) {
			assert_true(may_fail);
			failures++;
			return;
		}
		first = lowest_fit(BLOCK_PAGES, true, 0, PAGES);
		take(first, BLOCK_PAGES, BLOCK);
		assert_true(nr_blocks < MAX_BLOCKS);
		memmove(&blocks[1], &blocks[0], nr_blocks * sizeof(blocks[0]));
		nr_blocks++;
		i = 0;
		blocks[0] = (struct block){.first = first,
					   .cpu = bed_cpu,
					   .free = BLOCK_PAGES,
					   .dirty_min = BLOCK_PAGES};
	}
	assert_int_equal(vmalloc_stats().blocks_allocated - blocks_before,
			 blocks[i].free == BLOCK_PAGES);
	first = blocks[i].first + BLOCK_PAGES - blocks[i].free;
	blocks[i].free -= pages;
	for (u64 n = 0; n < pages; n++)
		assert_false(page[first + n].unflushed);
	if (addr) {
		assert_int_equal((u64)addr, va_of(first));
		enter(RAM, first, count);
		return;
	}
	assert_true(may_fail);
	failures++;
	half_way_failures++;
	block_unmap(i, first, count);
	mark_flushed();
}

static void do_free(unsigned int which)
{
	struct live l = live[which];
	void *addr = (void *)va_of(l.first);

	live[which] = live[--nr_live];
	freed_last = l;
	frames_at_first_flush = frames_at_later_flushes = frames_in_areas -
							  frames_for(l.kind, l.count);
	if (debug)
		frames_at_first_flush = frames_in_areas;
	frames_predicted = true;
	frames_in_areas -= frames_for(l.kind, l.count);

	/* The model first: within the flush it is looked at. */
	for (u64 i = l.first; i < l.first + l.count; i++) {
		if (l.kind == VMALLOC)
			frame_taken[page[i].owned / PAGE_SIZE] = false;
		page[i].owned = 0;
	}
	if (l.kind == RAM && l.count <= 64) {
		block_unmap(block_at(l.first), l.first, l.count);
	} else {
		make_unflushed(l.first, l.count + 1);
		if (debug)
			expect_flush(va_of(l.first), va_of(l.first + l.count + 1));
		make_lazy(l.first, l.count + 1);
		drain();
	}
	if (l.kind == VMALLOC)
		vfree(addr);
	else if (l.kind == VMAP)
		vunmap(addr);
	else
		vm_unmap_ram(addr, (unsigned int)l.count);
	for (u64 i = l.first; i < l.first + l.count; i++)
		assert_int_equal(bed_frame_at(va_of(i), NULL), 0);
}

static void do_aliases(void)
{
	u64 start = ~0UL, end = 0;
	bool flush = rnd(2);

	if (rnd(2)) {
		start = va_of(rnd(high_water + 1));
		end = start + (1 + rnd(30)) * PAGE_SIZE;
	}
	frames_at_first_flush = frames_at_later_flushes = frames_in_areas;
	frames_predicted = true;
	if (start == ~0UL && !flush)
		vm_unmap_aliases();
	else
		_vm_unmap_aliases(start, end, flush);

	give_blocks_up(BLOCK_FRINGE);
	for (unsigned int i = 0; i < nr_blocks; i++) {
		struct block *b = &blocks[i];

		if (b->dirty_min >= b->dirty_max)
			continue;
		start = min(start, va_of(b->first + b->dirty_min));
		end = max(end, va_of(b->first + b->dirty_max));
		b->dirty_min = BLOCK_PAGES;
		b->dirty_max = 0;
		flush = true;
	}
	if (!purge(start, end) && flush)
		expect_flush(start, end);
	/* No translation of anything that was unmapped is left. */
	for (u64 i = 0; i < high_water; i++)
		assert_false(page[i].unflushed);
}

static void do_vunmap_range(const struct live *l)
{
	u64 first = l->first + rnd(l->count);
	u64 end = first + 1 + rnd(l->first + l->count - first);

	frames_at_first_flush = frames_at_later_flushes = frames_in_areas;
	frames_predicted = true;
	make_unflushed(first, end - first);
	vunmap_range(va_of(first), va_of(end));
	expect_flush(va_of(first), va_of(end));
	for (u64 i = first; i < end; i++)
		assert_int_equal(bed_frame_at(va_of(i), NULL), 0);
}

static u64 random_count(void)
{
	switch (rnd(8)) {
	case 0:
		return 1 + rnd(300);
	case 1:
		return 1 + rnd(64);
	case 2:
		return 4;
	default:
		return 1 + rnd(8);
	}
}

/* What was freed last, or where much is in use, or across the end of a table not there yet. */
static void random_window(u64 *count, u64 *from, u64 *end)
{
	u64 where = rnd(3);

	*count = 1 + rnd(10);
	if (where == 0) {
		*count = freed_last.count;
		*from = freed_last.first;
	} else if (where == 1) {
		*from = rnd(8000);
	} else {
		*from = (1 + rnd(PAGES / 512 - 1)) * 512 - rnd(*count + 1);
		bed_tables_left = rnd(2) ? 0 : -1;
		may_fail = bed_tables_left == 0 || nr_held;
	}
	*end = min(*from + *count + 1 + (rnd(2) ? 0 : rnd(40)), PAGES - 1);
}

static void check_everything(void)
{
	struct vmalloc_stats stats = vmalloc_stats();

	for (u64 i = 0; i < high_water + 8; i++)
		assert_int_equal(bed_frame_at(va_of(i), NULL), page[i].mapped);
	assert_int_equal(stats.nr_lazy, lazy_pages);
	assert_int_equal(stats.purges, purges);
	assert_int_equal(stats.purges_by[PURGE_THRESHOLD], threshold_purges);
	assert_int_equal(bed_tables_released, 0);
}

static void one_call(bool quiet)
{
	u64 count = random_count(), from = 0, end = PAGES;
	unsigned int what = (unsigned int)rnd(100);
	bool purging = rnd(quiet ? 4000 : 40) == 0;
	unsigned int which;
	u64 kind;

	bed_cpu = (unsigned int)rnd(4);
	if (purging) {
		kind = 7 + rnd(2);
	} else if (nr_live < MAX_LIVE && what < 48) {
		kind = rnd(4);
		count = kind == 3 ? 1 + rnd(64) : kind == 2 ? 65 + rnd(100) : count;
	} else {
		kind = nr_live ? (rnd(60) ? 4 : 5) : 9;
	}
	calls[kind]++;
	switch (kind) {
	case 0:
	case 1:
	case 2:
		do_alloc((enum kind)kind, count, from, end);
		break;
	case 3:
		do_map_in_block(count);
		break;
	case 4:
		do_free((unsigned int)rnd(nr_live));
		break;
	case 5:
		which = (unsigned int)rnd(nr_live);
		if (live[which].kind != RAM)
			do_vunmap_range(&live[which]);
		break;
	case 7:
		do_aliases();
		break;
	case 8:
		if (nr_live < MAX_LIVE) {
			random_window(&count, &from, &end);
			do_alloc(VMAP, count, from, end);
		}
		break;
	default:
		break;
	}
	check_flushes();
	assert_int_equal(vmalloc_stats().nr_lazy, lazy_pages);
	assert_int_equal(bed_frames_in_areas() - nr_held, frames_in_areas);
}

static void give_held_frames_back(void)
{
	while (nr_held)
		frame_free(held[--nr_held]);
}

/* Now and then memory is short: of tables for one call, or of frames for a while. */
static void inject(u64 step)
{
	bed_tables_left = rnd(10) ? -1 : (int)rnd(2);
	if (step % 1000 == 0) {
		for (u64 left = rnd(60); frame_counts().free > left;)
			held[nr_held++] = frame_alloc();
	} else if (step % 1000 == 150) {
		give_held_frames_back();
	}
	may_fail = bed_tables_left >= 0 || nr_held;
}

static void start(unsigned int cpus, bool debug_pagealloc)
{
	bed_start(MEMORY, debug_pagealloc);
	memset(page, 0, sizeof(page));
	memset(frame_taken, 0, sizeof(frame_taken));
	memset(calls, 0, sizeof(calls));
	nr_live = nr_blocks = nr_expected = 0;
	high_water = lazy_pages = frames_in_areas = nr_held = 0;
	purges = threshold_purges = failures = half_way_failures = 0;
	debug = debug_pagealloc;
	bed_online_cpus = cpus;
	bed_in_flush = on_flush;
	frames_predicted = false;
	seed = 0x9e3779b97f4a7c15UL + cpus * 2 + debug;
}

static void run(unsigned int cpus, bool debug_pagealloc)
{
	start(cpus, debug_pagealloc);
	for (u64 step = 1; step <= 100000; step++) {
		inject(step);
		one_call(step / 10000 % 2 == 0);
		if (step % 1000 == 0)
			check_everything();
	}
	give_held_frames_back();
	bed_tables_left = -1;
	may_fail = false;
	check_everything();

	/* Nothing of this agreed because it never happened. */
	for (unsigned int i = 0; i < 4; i++)
		assert_true(calls[i] > 5000);
	assert_true(calls[4] > 30000 && calls[5] > 300 && calls[7] > 300 && calls[8] > 300);
	assert_true(failures > 300 && half_way_failures > 20);
	assert_true(threshold_purges > 10);
	assert_true(vmalloc_stats().purges_by[PURGE_ALIAS] > 100);
	assert_true(vmalloc_stats().purges_by[PURGE_OVERFLOW] > 100);
	assert_true(vmalloc_stats().blocks_fragmented > 5);

	/* The end: everything comes back, and no table was ever given up. */
	while (nr_live) {
		do_free(nr_live - 1);
		check_flushes();
	}
	do_alloc(VMAP, 1, 0, 1);
	check_flushes();
	assert_int_equal(vmalloc_stats().nr_lazy, 0);
	assert_int_equal(vmalloc_stats().areas_purged, vmalloc_stats().areas_allocated);
	assert_int_equal(vmalloc_stats().areas_freed, vmalloc_stats().areas_allocated);
	assert_int_equal(bed_frames_in_areas(), 0);
	assert_int_equal(vmalloc_stats().metadata_objects, 1);	/* one range of free addresses */
	assert_in_range(vmalloc_stats().metadata_frames, 1, 3); /* one in use, two in reserve */
	assert_int_equal(bed_tables_released, 0);
	for (u64 i = 0; i < high_water; i++) {
		assert_int_equal(page[i].state, FREE);
		assert_false(page[i].unflushed);
	}
	bed_stop();
}

static void one_cpu(void **state)
{
	(void)state;
	run(1, false);
}

static void two_cpus(void **state)
{
	(void)state;
	run(2, false);
}

static void with_debug_pagealloc(void **state)
{
	(void)state;
	run(1, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_cpu),
		cmocka_unit_test(two_cpus),
		cmocka_unit_test(with_debug_pagealloc),
	};

	return cmocka_run_group_tests_name("vmalloc_model", tests, NULL, NULL);
}
