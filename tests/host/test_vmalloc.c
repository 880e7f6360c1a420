// sources: mm/v*.c mm/area_*.c mm/slab.c mm/frame*.c arch/x86_64/paging*.c tests/host/bed_*.c
// flags: -DCONFIG_CONTEXT_TRACKING_WORK=1
/* SPDX-License-Identifier: MIT */
/*
 * vmalloc's promises, one by one: what is flushed and when, to the page; in which order frames and
 * addresses are given back; what happens when memory runs out; which mistakes are named. Flushes
 * are written down by bed_vmalloc.c. The numbers are Linux 6.5's (mm/vmalloc.c).
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

#define NR_FRAMES 20000

static phys_addr_t frames[NR_FRAMES]; /* of the caller: RAM that nobody else has */

static int set_up_with(bool debug_pagealloc)
{
	bed_start(MIB(128), debug_pagealloc);
	for (u64 i = 0; i < NR_FRAMES; i++)
		frames[i] = GIB(1) + i * PAGE_SIZE;
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	return set_up_with(false);
}

static int set_up_debug(void **state)
{
	(void)state;
	return set_up_with(true);
}

/* Asks for what no window can give, so that everything is purged, blocks included. */
static void use_up_addresses(void)
{
	assert_null(vmap_range(frames, 1, PAGE_KERNEL, VMALLOC_START, VMALLOC_START + PAGE_SIZE));
}

/* Every test ends with nothing lost: all areas flushed and free, all frames back. */
static int tear_down(void **state)
{
	struct vmalloc_stats stats;

	(void)state;
	bed_in_flush = NULL;
	use_up_addresses();
	stats = vmalloc_stats();
	assert_int_equal(stats.nr_lazy, 0);
	assert_int_equal(stats.areas_freed, stats.areas_allocated);
	assert_int_equal(stats.areas_purged, stats.areas_allocated);
	assert_int_equal(stats.metadata_objects, 1); /* one range of free addresses */
	assert_int_equal(bed_frames_in_areas(), 0);
	assert_int_equal(bed_tables_released, 0);
	bed_stop();
	return 0;
}

static void assert_flushed(unsigned int nr, const struct bed_flush *expected)
{
	assert_int_equal(bed_nr_flushes, nr);
	for (unsigned int i = 0; i < nr; i++) {
		assert_int_equal(bed_flushes[i].start, expected[i].start);
		assert_int_equal(bed_flushes[i].end, expected[i].end);
	}
	bed_forget_flushes();
}

static void assert_one_flush(u64 start, u64 end)
{
	assert_flushed(1, &(struct bed_flush){start, end});
}

static void assert_no_flush(void)
{
	assert_flushed(0, NULL);
}

static u64 at(const void *addr)
{
	return (u64)addr;
}

static void assert_unmapped(u64 start, u64 end)
{
	for (; start < end; start += PAGE_SIZE)
		assert_int_equal(bed_frame_at(start, NULL), 0);
}

/* --- Mapping --- */

static void vmalloc_maps_distinct_frames_and_a_guard(void **state)
{
	u64 flags = 0;
	void *a = vmalloc(3 * PAGE_SIZE), *b = vmalloc(1);

	(void)state;
	assert_int_equal(at(a), VMALLOC_START);
	assert_int_equal(at(b), VMALLOC_START + 4 * PAGE_SIZE);
	for (u64 i = 0; i < 3; i++) {
		assert_int_not_equal(bed_frame_at(at(a) + i * PAGE_SIZE, &flags), 0);
		assert_int_equal(flags, PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY |
						PTE_GLOBAL | PTE_NX);
		assert_int_not_equal(bed_frame_at(at(a) + i * PAGE_SIZE, NULL),
				     bed_frame_at(at(b), NULL));
	}
	assert_int_not_equal(bed_frame_at(at(a), NULL), bed_frame_at(at(a) + PAGE_SIZE, NULL));
	assert_int_equal(bed_frame_at(at(a) + 3 * PAGE_SIZE, NULL), 0);
	assert_int_equal(bed_frame_at(at(b) + PAGE_SIZE, NULL), 0);
	assert_int_equal(bed_frames_in_areas(), 4);
	vfree(a);
	vfree(b);
	vfree(NULL);
	vunmap(NULL);
	assert_int_equal(bed_frames_in_areas(), 0);
	assert_unmapped(VMALLOC_START, VMALLOC_START + 6 * PAGE_SIZE);
	assert_no_flush();
}

static void sizes_that_cannot_be(void **state)
{
	u64 free = frame_counts().free;

	(void)state;
	assert_null(vmalloc(0));
	assert_null(vmalloc(~0UL));
	assert_null(vmalloc(VMALLOC_END - VMALLOC_START));
	assert_null(vmalloc((free + 1) * PAGE_SIZE));
	assert_null(vmap(frames, 0, PAGE_KERNEL));
	assert_null(vm_map_ram(frames, 0));
	assert_int_equal(frame_counts().free, free);
	assert_int_equal(vmalloc_stats().areas_allocated, 0);
}

static void a_large_area_has_all_its_frames(void **state)
{
	static const u64 sizes[] = {8, 9, 519, 520, 4000};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		void *a = vmalloc(sizes[i] * PAGE_SIZE);

		assert_non_null(a);
		for (u64 page = 0; page < sizes[i]; page++)
			assert_int_not_equal(bed_frame_at(at(a) + page * PAGE_SIZE, NULL), 0);
		assert_int_equal(bed_frames_in_areas(), sizes[i] + bed_chunks_of(sizes[i]));
		vfree(a);
		assert_int_equal(bed_frames_in_areas(), 0);
	}
}

static void vmap_maps_what_it_is_given(void **state)
{
	const phys_addr_t mine[] = {0x40000000, 0x50000000, 0x40000000};
	u64 flags = 0, free;
	void *a;

	(void)state;
	a = vmap(mine, 3, PAGE_KERNEL_RO);
	free = frame_counts().free;
	for (u64 i = 0; i < 3; i++) {
		assert_int_equal(bed_frame_at(at(a) + i * PAGE_SIZE, &flags), mine[i]);
		assert_int_equal(flags, PTE_PRESENT | PTE_ACCESSED | PTE_GLOBAL | PTE_NX);
	}
	assert_int_equal(bed_frame_at(at(a) + 3 * PAGE_SIZE, NULL), 0);
	vunmap(a);
	assert_int_equal(frame_counts().free, free);
	assert_unmapped(at(a), at(a) + 4 * PAGE_SIZE);
}

/* --- The lazy purge --- */

static void lazy_max_pages_is_linuxs(void **state)
{
	static const struct {
		unsigned int cpus;
		u64 mib;
	} table[] = {{1, 32},  {2, 64},	  {3, 64},   {4, 96},	{7, 96},
		     {8, 128}, {15, 128}, {16, 160}, {64, 224}, {256, 288}};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		bed_online_cpus = table[i].cpus;
		assert_int_equal(lazy_max_pages(), MIB(table[i].mib) / PAGE_SIZE);
	}
	bed_online_cpus = 1;
}

/* Exactly lazy_max_pages(), guard pages included, are still fine; one area more is not. */
static void the_threshold_is_exact(void **state)
{
	static const unsigned int cpus[] = {1, 2, 4};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cpus); i++) {
		struct vmalloc_stats before = vmalloc_stats();
		void *big, *small, *rest;
		u64 half;

		bed_online_cpus = cpus[i];
		half = lazy_max_pages() / 2;
		big = vmap(frames, (unsigned int)half - 1, PAGE_KERNEL);
		rest = vmap(frames, (unsigned int)half - 1, PAGE_KERNEL);
		small = vmap(frames, 1, PAGE_KERNEL);
		assert_non_null(small);
		vunmap(rest);
		vunmap(big);
		assert_int_equal(vmalloc_stats().nr_lazy, lazy_max_pages());
		assert_no_flush();
		vunmap(small);
		assert_one_flush(at(big), at(small) + 2 * PAGE_SIZE);
		assert_int_equal(vmalloc_stats().nr_lazy, 0);
		assert_int_equal(vmalloc_stats().purges, before.purges + 1);
		assert_int_equal(vmalloc_stats().purges_by[PURGE_THRESHOLD],
				 before.purges_by[PURGE_THRESHOLD] + 1);
	}
	bed_online_cpus = 1;
}

/* From the lowest start to the highest end, whatever lives in between, guard page included. */
static void a_purge_flushes_from_min_to_max(void **state)
{
	void *a[5];

	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		a[i] = vmalloc((i + 1) * PAGE_SIZE);
	vfree(a[3]);
	vfree(a[1]);
	assert_no_flush();
	vm_unmap_aliases();
	assert_one_flush(at(a[1]), at(a[3]) + 5 * PAGE_SIZE);
	assert_int_equal(vmalloc_stats().purges_by[PURGE_ALIAS], 1);
	vm_unmap_aliases();
	assert_no_flush();
	vfree(a[0]);
	_vm_unmap_aliases(at(a[2]), at(a[2]) + PAGE_SIZE, true);
	assert_one_flush(at(a[0]), at(a[2]) + PAGE_SIZE);
	vfree(a[2]);
	_vm_unmap_aliases(at(a[4]), ~0UL, true);
	assert_one_flush(at(a[2]), ~0UL);
	_vm_unmap_aliases(at(a[4]), at(a[4]) + PAGE_SIZE, true);
	assert_one_flush(at(a[4]), at(a[4]) + PAGE_SIZE);
	assert_int_equal(vmalloc_stats().alias_flushes, 1);
	_vm_unmap_aliases(at(a[4]), at(a[4]) + PAGE_SIZE, false);
	assert_no_flush();
	vfree(a[4]);
}

static void addresses_wait_for_the_flush(void **state)
{
	void *a = vmalloc(PAGE_SIZE), *b;

	(void)state;
	vfree(a);
	b = vmalloc(PAGE_SIZE);
	assert_int_equal(at(b), at(a) + 2 * PAGE_SIZE);
	vm_unmap_aliases();
	vfree(b);
	b = vmalloc(PAGE_SIZE);
	assert_ptr_equal(b, a);
	vfree(b);
}

static u64 frames_seen_in_flush;

static void note_frames(u64 start, u64 end)
{
	(void)start;
	(void)end;
	frames_seen_in_flush = bed_frames_in_areas();
}

/* vfree()'s frames have a new owner before anybody has flushed: Linux's order, and the hazard. */
static void frames_are_free_before_the_flush(void **state)
{
	void *a = vmalloc(5 * PAGE_SIZE), *b;
	phys_addr_t frame = bed_frame_at(at(a) + 4 * PAGE_SIZE, NULL);

	(void)state;
	vfree(a);
	b = vmalloc(PAGE_SIZE);
	assert_int_equal(bed_frame_at(at(b), NULL), frame);
	assert_no_flush();

	/* A free that passes the threshold itself: the flush sees its frames free already. */
	bed_in_flush = note_frames;
	a = vmap(frames, (unsigned int)lazy_max_pages() - 7, PAGE_KERNEL);
	vunmap(a);
	frames_seen_in_flush = ~0UL;
	vfree(b);
	assert_int_equal(frames_seen_in_flush, 0);
	assert_int_equal(bed_nr_flushes, 1);
	bed_forget_flushes();
}

static struct vmap_area_info seen_info;
static enum vmap_state seen_state;
static u64 addr_to_look_up;

/* No lock is held: everything that takes one works within a flush. */
static void use_everything(u64 start, u64 end)
{
	phys_addr_t frame = GIB(2);
	void *a;

	(void)start;
	(void)end;
	bed_in_flush = NULL;
	seen_state = find_vmap_area(addr_to_look_up, &seen_info);
	a = vmalloc(PAGE_SIZE);
	assert_non_null(a);
	assert_int_not_equal(at(a), addr_to_look_up); /* that one is being flushed only now */
	vfree(a);
	a = vm_map_ram(&frame, 1);
	assert_non_null(a);
	vm_unmap_ram(a, 1);
}

static void no_lock_is_held_during_a_flush(void **state)
{
	void *a = vmalloc(PAGE_SIZE);

	(void)state;
	addr_to_look_up = at(a);
	vfree(a);
	assert_int_equal(find_vmap_area(at(a), &seen_info), VMAP_LAZY);
	bed_in_flush = use_everything;
	vm_unmap_aliases();
	assert_int_equal(seen_state, VMAP_PURGING);
	assert_int_equal(seen_info.start, at(a));

	a = vmalloc(PAGE_SIZE);
	bed_in_flush = use_everything;
	vunmap_range(at(a), at(a) + PAGE_SIZE);
	vfree(a);
	bed_forget_flushes();
}

static void no_lock_is_held_during_a_debug_flush(void **state)
{
	void *a = vmalloc(PAGE_SIZE);
	phys_addr_t frame = GIB(3);
	void *b = vm_map_ram(&frame, 1);

	(void)state;
	addr_to_look_up = at(a);
	bed_in_flush = use_everything;
	vfree(a);
	bed_in_flush = use_everything;
	vm_unmap_ram(b, 1);
	bed_forget_flushes();
}

static void debug_pagealloc_flushes_every_free(void **state)
{
	void *a = vmalloc(2 * PAGE_SIZE), *b = vmap(frames, 3, PAGE_KERNEL);
	void *c = vm_map_ram(frames, 5), *d = vm_map_ram(frames, 65);

	(void)state;
	vfree(a);
	assert_one_flush(at(a), at(a) + 3 * PAGE_SIZE);
	vunmap(b);
	assert_one_flush(at(b), at(b) + 4 * PAGE_SIZE);
	vm_unmap_ram(c, 5);
	assert_one_flush(at(c), at(c) + 5 * PAGE_SIZE);
	vm_unmap_ram(d, 65);
	assert_one_flush(at(d), at(d) + 66 * PAGE_SIZE);
	assert_int_equal(vmalloc_stats().debug_flushes, 4);
	assert_int_equal(vmalloc_stats().purges, 0);
	/* Addresses wait for the purge all the same. */
	a = vmalloc(2 * PAGE_SIZE);
	assert_true(at(a) > at(b));
	vfree(a);
	bed_forget_flushes();
}

static void vunmap_range_flushes_at_once(void **state)
{
	void *a = vmalloc(4 * PAGE_SIZE);

	(void)state;
	vunmap_range(at(a) + PAGE_SIZE, at(a) + 3 * PAGE_SIZE);
	assert_one_flush(at(a) + PAGE_SIZE, at(a) + 3 * PAGE_SIZE);
	assert_int_equal(vmalloc_stats().vunmap_flushes, 1);
	assert_unmapped(at(a) + PAGE_SIZE, at(a) + 3 * PAGE_SIZE);
	assert_int_not_equal(bed_frame_at(at(a), NULL), 0);
	assert_int_not_equal(bed_frame_at(at(a) + 3 * PAGE_SIZE, NULL), 0);
	assert_int_equal(bed_frames_in_areas(), 4);
	vfree(a);
	assert_int_equal(bed_frames_in_areas(), 0);
	assert_no_flush();
}

/* --- One exact address --- */

static void a_window_gives_one_address_back(void **state)
{
	void *a = vmap(frames, 2, PAGE_KERNEL), *b;

	(void)state;
	b = vmap_range(frames + 2, 2, PAGE_KERNEL, at(a), at(a) + 3 * PAGE_SIZE);
	assert_null(b); /* live */
	vunmap(a);
	bed_forget_flushes();
	b = vmap_range(frames + 2, 2, PAGE_KERNEL, at(a), at(a) + 3 * PAGE_SIZE);
	assert_ptr_equal(b, a);
	assert_one_flush(at(a), at(a) + 3 * PAGE_SIZE);
	assert_int_equal(vmalloc_stats().purges_by[PURGE_OVERFLOW], 1);
	assert_int_equal(bed_frame_at(at(b), NULL), frames[2]);
	vunmap(b);
	vm_unmap_aliases();
	bed_forget_flushes();
	b = vmap_range(frames, 2, PAGE_KERNEL, at(a), at(a) + 3 * PAGE_SIZE);
	assert_ptr_equal(b, a);
	assert_no_flush();
	vunmap(b);

	/* Too small by the guard page. */
	assert_null(
		vmap_range(frames, 2, PAGE_KERNEL, VMALLOC_START, VMALLOC_START + 2 * PAGE_SIZE));
	/* The last pages of the whole area. */
	b = vmap_range(frames, 1, PAGE_KERNEL, VMALLOC_END - 2 * PAGE_SIZE, VMALLOC_END);
	assert_int_equal(at(b), VMALLOC_END - 2 * PAGE_SIZE);
	vunmap(b);
}

/* --- vm_map_ram() --- */

static void blocks_are_the_cpus_own(void **state)
{
	void *a = vm_map_ram(frames, 1), *b = vm_map_ram(frames, 3), *c, *d;

	(void)state;
	assert_int_equal(at(a) % MIB(4), 0);
	assert_int_equal(at(b), at(a) + PAGE_SIZE); /* one after the other: no guard, no gap */
	bed_cpu = 1;
	c = vm_map_ram(frames + 7, 64);
	assert_int_equal(at(c), at(a) + MIB(4));
	assert_int_equal(bed_frame_at(at(c) + 63 * PAGE_SIZE, NULL), frames[70]);
	bed_cpu = 0;
	d = vm_map_ram(frames, 1);
	assert_int_equal(at(d), at(b) + 4 * PAGE_SIZE); /* 3 pages take 4 */
	bed_cpu = 1;
	vm_unmap_ram(a, 1); /* any CPU may unmap */
	vm_unmap_ram(b, 3);
	bed_cpu = 0;
	vm_unmap_ram(c, 64);
	vm_unmap_ram(d, 1);
	assert_unmapped(at(a), at(a) + MIB(8));
	assert_no_flush();
	assert_int_equal(vmalloc_stats().areas_allocated, 2);
	assert_int_equal(vmalloc_stats().nr_lazy, 0);

	/* More than 64 pages are an ordinary area, with a guard page. */
	c = vm_map_ram(frames, 65);
	assert_int_equal(bed_frame_at(at(c) + 64 * PAGE_SIZE, NULL), frames[64]);
	vm_unmap_ram(c, 65);
	assert_int_equal(vmalloc_stats().nr_lazy, 66);
}

/* Dirty parts are flushed by the next alias purge, and then never again. */
static void dirty_parts_are_flushed_once(void **state)
{
	void *a, *b, *c, *other;

	(void)state;
	a = vm_map_ram(frames, 2);
	b = vm_map_ram(frames, 4);
	c = vm_map_ram(frames, 8);
	bed_cpu = 3;
	other = vm_map_ram(frames, 1);
	vm_unmap_ram(b, 4);
	assert_no_flush();
	vm_unmap_aliases();
	assert_one_flush(at(b), at(b) + 4 * PAGE_SIZE);
	assert_int_equal(vmalloc_stats().alias_flushes, 1);
	vm_unmap_aliases();
	assert_no_flush();
	vm_unmap_ram(a, 2);
	vm_unmap_ram(other, 1);
	_vm_unmap_aliases(at(other) + MIB(1), at(other) + MIB(1) + PAGE_SIZE, false);
	/* One flush from the lowest dirty page to the highest address asked for. */
	assert_one_flush(at(a), at(other) + MIB(1) + PAGE_SIZE);
	vm_unmap_aliases();
	assert_no_flush();
	vm_unmap_ram(c, 8);
	vm_unmap_aliases();
	assert_one_flush(at(c), at(c) + 8 * PAGE_SIZE);
	bed_cpu = 0;
}

static void fill_block(void **maps, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		maps[i] = vm_map_ram(frames, 64);
}

/* A block that is used up becomes an ordinary lazy area with its last unmap. */
static void a_used_up_block_becomes_lazy(void **state)
{
	void *maps[16];

	(void)state;
	fill_block(maps, 16);
	assert_int_equal(at(maps[15]), at(maps[0]) + MIB(4) - 64 * PAGE_SIZE);
	for (unsigned int i = 0; i < 15; i++)
		vm_unmap_ram(maps[(i + 5) % 16], 64);
	assert_int_equal(vmalloc_stats().nr_lazy, 0);
	vm_unmap_ram(maps[4], 64);
	assert_int_equal(vmalloc_stats().nr_lazy, 1024);
	assert_no_flush();
	vm_unmap_aliases();
	assert_one_flush(at(maps[0]), at(maps[0]) + MIB(4));
	assert_int_equal(vmalloc_stats().blocks_fragmented, 0);
}

/* Linux's bound: fewer than a quarter never used, nothing live. */
static void a_fragmented_block_is_given_up(void **state)
{
	void *maps[13];

	(void)state;
	fill_block(maps, 12); /* 256 pages left: not below a quarter */
	for (unsigned int i = 0; i < 12; i++)
		vm_unmap_ram(maps[i], 64);
	vm_unmap_aliases();
	assert_one_flush(at(maps[0]), at(maps[0]) + 768 * PAGE_SIZE);
	assert_int_equal(vmalloc_stats().blocks_fragmented, 0);

	maps[0] = vm_map_ram(frames, 1); /* 255 left, one of them live */
	assert_int_equal(at(maps[0]), at(maps[11]) + 64 * PAGE_SIZE);
	vm_unmap_aliases();
	assert_no_flush();
	vm_unmap_ram(maps[0], 1);
	vm_unmap_aliases();
	assert_one_flush(at(maps[1]) - 64 * PAGE_SIZE, at(maps[1]) - 64 * PAGE_SIZE + MIB(4));
	assert_int_equal(vmalloc_stats().blocks_fragmented, 1);
	assert_int_equal(vmalloc_stats().nr_lazy, 0);

	/* For want of addresses any block goes that holds nothing live. */
	maps[0] = vm_map_ram(frames, 1);
	maps[1] = vm_map_ram(frames, 1);
	vm_unmap_ram(maps[1], 1);
	use_up_addresses();
	assert_no_flush();
	vm_unmap_ram(maps[0], 1);
	use_up_addresses();
	assert_one_flush(at(maps[0]), at(maps[0]) + MIB(4));
	assert_int_equal(vmalloc_stats().blocks_fragmented, 2);
	assert_int_equal(vmalloc_stats().purges_by[PURGE_OVERFLOW], 1);
}

/* --- Running dry --- */

static phys_addr_t held[40000];
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

/* With 0, 1, 2, .. frames left: every call fails somewhere else, and none of them loses a thing. */
static void failures_leave_nothing_behind(void **state)
{
	(void)state;
	for (unsigned int tables = 0; tables < 4; tables++) {
		for (unsigned int left = 0; left < 26; left++) {
			void *a, *b, *c, *d;

			hold_all_frames_but(left);
			bed_tables_left = tables == 3 ? -1 : (int)tables;
			a = vmalloc(10 * PAGE_SIZE);
			b = vmap(frames, 3, PAGE_KERNEL);
			c = vm_map_ram(frames, 9);
			d = vm_map_ram(frames, 99);
			if (left == 25 && tables == 3)
				assert_true(a && b && c && d);
			if (left == 0)
				assert_null(a); /* the others may do with frames that vmalloc holds
						   already */
			bed_tables_left = -1;
			give_held_frames_back();
			assert_int_equal(bed_frames_in_areas(), a ? 11 : 0);
			vfree(a);
			vunmap(b);
			if (c)
				vm_unmap_ram(c, 9);
			if (d)
				vm_unmap_ram(d, 99);
			assert_int_equal(bed_frames_in_areas(), 0);
			use_up_addresses();
			assert_int_equal(vmalloc_stats().nr_lazy, 0);
			assert_int_equal(vmalloc_stats().areas_purged,
					 vmalloc_stats().areas_allocated);
			bed_forget_flushes();
		}
	}
}

/* Frames are there, but no memory for the struct that describes the area. */
static void no_memory_for_the_area_itself(void **state)
{
	static void *areas[1000];
	unsigned int nr = 0;

	(void)state;
	areas[nr++] = vmap(frames, 1, PAGE_KERNEL); /* makes the tables */
	hold_all_frames_but(0);
	while ((areas[nr] = vmap(frames, 1, PAGE_KERNEL)))
		nr++;
	frame_free(held[--nr_held]);
	assert_int_equal(frame_counts().free, 1);
	assert_null(vmalloc(PAGE_SIZE));
	assert_int_equal(frame_counts().free, 1);
	assert_null(vm_map_ram(frames, 1)); /* the frame is the blocks' now, in reserve */
	give_held_frames_back();
	while (nr)
		vunmap(areas[--nr]);
}

/* --- Mistakes --- */

static void assert_named(const char *one, const char *two)
{
	if (!strstr(host_panic_text, one) || !strstr(host_panic_text, two))
		fail_msg("\"%s\" names not \"%s\" and \"%s\"", host_panic_text, one, two);
}

static void wrong_frees_are_named(void **state)
{
	void *a = vmalloc(2 * PAGE_SIZE), *b = vmap(frames, 2, PAGE_KERNEL);
	void *c = vm_map_ram(frames, 3), *d = vm_map_ram(frames, 70);
	char address[32];

	(void)state;
	assert_true(host_panics(vfree((char *)a + PAGE_SIZE)));
	assert_named("vfree", "no live area starts there");
	assert_named("vmalloc area ffffc90000000000..ffffc90000003000 of caller ", "(live)");
	assert_true(host_panics(vfree((char *)a + 1)));
	assert_named("vfree(ffffc90000000001)", "no live area starts there");
	assert_true(host_panics(vfree(b)));
	assert_named("vfree", "another kind");
	assert_true(host_panics(vunmap(a)));
	assert_named("vunmap(ffffc90000000000)", "another kind");
	assert_true(host_panics(vfree((void *)VMALLOC_END)));
	assert_named("vfree(ffffe90000000000)", "in no area");
	assert_true(host_panics(vfree(&address)));
	assert_true(host_panics(vm_unmap_ram(c, 2)));
	assert_named("vm_unmap_ram", "no mapping of that many pages");
	assert_true(host_panics(vm_unmap_ram(c, 5)));
	assert_true(host_panics(vm_unmap_ram(c, 0)));
	assert_true(host_panics(vm_unmap_ram((char *)c + PAGE_SIZE, 1)));
	assert_true(host_panics(vm_unmap_ram((char *)c + 8, 3)));
	assert_true(host_panics(vm_unmap_ram((char *)c + MIB(4) - PAGE_SIZE, 64)));
	assert_true(host_panics(vm_unmap_ram(a, 2)));
	assert_named("vm_unmap_ram", "vmalloc area");
	assert_true(host_panics(vm_unmap_ram(d, 69)));
	assert_true(host_panics(vm_unmap_ram(d, 71)));
	assert_named("vm_unmap_ram", "another number of pages");
	assert_true(host_panics(vm_unmap_ram(c, 65)));
	vfree(a);
	assert_true(host_panics(vfree(a)));
	assert_named("no live area starts there", "(freed, not flushed yet)");
	vunmap(b);
	vm_unmap_ram(c, 3);
	assert_true(host_panics(vm_unmap_ram(c, 3)));
	vm_unmap_ram(d, 70);
	use_up_addresses();
	assert_true(host_panics(vfree(a)));
	assert_named("vfree(ffffc90000000000)", "in no area");
	bed_forget_flushes();
}

static void rules_are_asserted(void **state)
{
	void *volatile a = NULL;

	(void)state;
	assert_true(host_panics(a = vmap(frames, 1, PAGE_KERNEL | PTE_USER)));
	assert_named("R2", "user-accessible");
	assert_true(host_panics(a = vmap(frames, 1, PAGE_KERNEL_NOCACHE)));
	assert_named("R10", "device memory");
	assert_true(host_panics(
		a = vmap_range(frames, 1, PAGE_KERNEL | PTE_PWT, VMALLOC_START, VMALLOC_END)));
	assert_named("R10", "device memory");
	assert_true(host_panics(
		a = vmap_range(frames, 1, PAGE_KERNEL, VMALLOC_START - PAGE_SIZE, VMALLOC_END)));
	assert_named("vmap_range: window ffffc8fffffff000",
		     "is not whole pages of the vmalloc area");
	assert_true(host_panics(vunmap_range(VMALLOC_START, VMALLOC_END + PAGE_SIZE)));
	assert_named("ffffe90000001000 is not whole pages of the vmalloc area", "vunmap_range");
	assert_true(host_panics(vunmap_range(VMALLOC_START + 1, VMALLOC_END)));
	assert_null(a);
}

static noinline void *made_here(void)
{
	void *a = vmalloc(PAGE_SIZE);

	__asm__ volatile("" ::: "memory"); /* no tail call: the return address must be in here */
	return a;
}

static void find_names_area_and_caller(void **state)
{
	struct vmap_area_info info;
	void *a = made_here(), *b = vm_map_ram(frames, 1);

	(void)state;
	assert_int_equal(find_vmap_area(at(a) + PAGE_SIZE + 5, &info), VMAP_LIVE);
	assert_int_equal(info.start, at(a));
	assert_int_equal(info.end, at(a) + 2 * PAGE_SIZE);
	assert_string_equal(info.kind, "vmalloc");
	assert_in_range((u64)info.caller, (u64)made_here, (u64)made_here + 100);
	assert_int_equal(find_vmap_area(at(a) + 2 * PAGE_SIZE, &info), VMAP_NO_AREA);
	assert_int_equal(find_vmap_area(at(b) + MIB(2), &info), VMAP_LIVE);
	assert_string_equal(info.kind, "block");
	vm_unmap_ram(b, 1);
	vfree(a);
	assert_int_equal(find_vmap_area(at(a), &info), VMAP_LAZY);
	assert_string_equal(info.kind, "vmalloc");
	vm_unmap_aliases();
	assert_int_equal(find_vmap_area(at(a), &info), VMAP_NO_AREA);
	bed_forget_flushes();
}

#define TEST(name)	 cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define DEBUG_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_debug, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(vmalloc_maps_distinct_frames_and_a_guard),
		TEST(sizes_that_cannot_be),
		TEST(a_large_area_has_all_its_frames),
		TEST(vmap_maps_what_it_is_given),
		TEST(lazy_max_pages_is_linuxs),
		TEST(the_threshold_is_exact),
		TEST(a_purge_flushes_from_min_to_max),
		TEST(addresses_wait_for_the_flush),
		TEST(frames_are_free_before_the_flush),
		TEST(no_lock_is_held_during_a_flush),
		DEBUG_TEST(no_lock_is_held_during_a_debug_flush),
		DEBUG_TEST(debug_pagealloc_flushes_every_free),
		TEST(vunmap_range_flushes_at_once),
		TEST(a_window_gives_one_address_back),
		TEST(blocks_are_the_cpus_own),
		TEST(dirty_parts_are_flushed_once),
		TEST(a_used_up_block_becomes_lazy),
		TEST(a_fragmented_block_is_given_up),
		TEST(failures_leave_nothing_behind),
		TEST(no_memory_for_the_area_itself),
		TEST(wrong_frees_are_named),
		TEST(rules_are_asserted),
		TEST(find_names_area_and_caller),
	};

	return cmocka_run_group_tests_name("vmalloc", tests, NULL, NULL);
}
