// sources: mm/v*.c mm/area_*.c mm/slab.c mm/frame*.c arch/x86_64/paging*.c tests/host/bed_*.c
// flags: -DCONFIG_CONTEXT_TRACKING_WORK=1
/* SPDX-License-Identifier: MIT */
/*
 * The quarantine: under a policy that has `lags`, neither addresses nor vfree()'s frames come back
 * before every CPU has flushed for the purge that covered them; in the order of purges; never more
 * than the bound; and all of it when the policy is about to change. CPUs lag here as the test says,
 * by a number for each (bed_covered[]). The last test lets chance decide and looks at each address
 * and each frame that is handed out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mm/vmap_hold.h"
#include "tests/host/bed_memory.h"
#include "tests/host/bed_vmalloc.h"
#include "tests/host/host_log.h"

#define MEMORY MIB(64)

static phys_addr_t frames[1024]; /* of the caller: RAM that nobody else has */

static int set_up(void **state)
{
	(void)state;
	bed_start(MEMORY, false);
	bed_online_cpus = 3;
	bed_let_cpus_lag(true);
	for (u64 i = 0; i < ARRAY_SIZE(frames); i++)
		frames[i] = GIB(1) + i * PAGE_SIZE;
	return 0;
}

static void all_catch_up(void)
{
	for (unsigned int cpu = 0; cpu < bed_online_cpus; cpu++)
		bed_catch_up(cpu);
}

static int tear_down(void **state)
{
	struct vmalloc_stats stats;
	void *nothing;

	(void)state;
	bed_keep_flushes = false;
	nothing = vmap_range(frames, 1, PAGE_KERNEL, VMALLOC_START, VMALLOC_START + PAGE_SIZE);
	assert_null(nothing); /* gives up blocks, too */
	all_catch_up();
	vm_unmap_aliases();
	stats = vmalloc_stats();
	assert_int_equal(stats.nr_lazy, 0);
	assert_int_equal(stats.held_pages, 0);
	assert_int_equal(stats.held_frames, 0);
	assert_int_equal(stats.held_batches, 0);
	assert_int_equal(stats.areas_purged, stats.areas_allocated);
	assert_int_equal(stats.metadata_objects, 1);
	assert_int_equal(stats.forced_flushes, bed_forced);
	assert_int_equal(bed_frames_in_areas(), 0);
	bed_stop();
	return 0;
}

static u64 at(const void *addr)
{
	return (u64)addr;
}

static enum vmap_state state_of(const void *addr)
{
	struct vmap_area_info info;

	return find_vmap_area(at(addr), &info);
}

static void frames_and_addresses_rest_until_all_have_flushed(void **state)
{
	void *a = vmalloc(5 * PAGE_SIZE), *b;
	phys_addr_t frame = bed_frame_at(at(a), NULL);
	struct vmap_area_info info;

	(void)state;
	vfree(a);
	assert_int_equal(bed_frame_at(at(a), NULL), 0);
	assert_int_equal(bed_frames_in_areas(), 5); /* not given back, before the flush neither */
	assert_int_equal(vmalloc_stats().held_frames, 5);
	assert_int_equal(state_of(a), VMAP_LAZY);
	vm_unmap_aliases();
	assert_int_equal(bed_nr_flushes, 1);
	assert_int_equal(state_of(a), VMAP_HELD);
	assert_int_equal(find_vmap_area(at(a), &info), VMAP_HELD);
	assert_int_equal(info.end, at(a) + 6 * PAGE_SIZE);
	assert_int_equal(bed_frames_in_areas(), 5);
	assert_int_equal(vmalloc_stats().nr_lazy, 0);
	assert_int_equal(vmalloc_stats().held_pages, 6);
	assert_int_equal(vmalloc_stats().areas_purged, 0);
	b = vmalloc(5 * PAGE_SIZE);
	assert_true(at(b) > at(a));
	assert_int_not_equal(bed_frame_at(at(b), NULL), frame);

	bed_catch_up(0);
	bed_catch_up(2);
	vm_unmap_aliases();
	assert_int_equal(state_of(a), VMAP_HELD); /* CPU 1 is missing */
	bed_catch_up(1);
	assert_int_equal(state_of(a), VMAP_HELD); /* nobody has looked yet */
	vm_unmap_aliases();
	assert_int_equal(state_of(a), VMAP_NO_AREA);
	assert_int_equal(vmalloc_stats().areas_purged, 1);
	assert_int_equal(vmalloc_stats().held_pages, 0);
	assert_int_equal(vmalloc_stats().held_pages_most, 6);
	assert_int_equal(vmalloc_stats().held_frames, 0);
	assert_int_equal(bed_frames_in_areas(), 5);
	assert_int_equal(bed_forced, 0);
	vfree(b);
	b = vmalloc(5 * PAGE_SIZE);
	assert_ptr_equal(b, a);
	vfree(b);
}

/* The frames of vmap() are the caller's; its addresses rest like all others. */
static void only_addresses_of_vmap_rest(void **state)
{
	void *a = vmap(frames, 3, PAGE_KERNEL), *b = vm_map_ram(frames, 100), *c;

	(void)state;
	vunmap(a);
	vm_unmap_ram(b, 100);
	assert_int_equal(vmalloc_stats().held_frames, 0);
	vm_unmap_aliases();
	assert_int_equal(vmalloc_stats().held_pages, 4 + 101);
	c = vmap_range(frames, 3, PAGE_KERNEL, at(a), at(a) + 4 * PAGE_SIZE);
	assert_null(c); /* held is as good as live */
	assert_int_equal(bed_forced, 0);
	all_catch_up();
	c = vmap_range(frames, 3, PAGE_KERNEL, at(a), at(a) + 4 * PAGE_SIZE);
	assert_ptr_equal(c, a); /* want of addresses looks again */
	vunmap(c);
}

/* A block's addresses come back only with the whole block, and that is held. */
static void blocks_rest_as_a_whole(void **state)
{
	void *maps[16], *again;

	(void)state;
	for (unsigned int i = 0; i < 16; i++)
		maps[i] = vm_map_ram(frames, 64);
	for (unsigned int i = 0; i < 16; i++) {
		vm_unmap_ram(maps[i], 64);
		vm_unmap_aliases(); /* dirty parts are flushed, nothing of them is reused */
	}
	assert_int_equal(state_of(maps[0]), VMAP_HELD);
	assert_int_equal(vmalloc_stats().held_pages, 1024);
	again = vm_map_ram(frames, 64);
	assert_int_equal(at(again), at(maps[0]) + MIB(4));
	vm_unmap_ram(again, 64);
	all_catch_up();
	vm_unmap_aliases();
	assert_int_equal(state_of(maps[0]), VMAP_NO_AREA);
}

static void batches_are_released_in_order(void **state)
{
	void *a[3];
	u64 purged[3];

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		a[i] = vmalloc(PAGE_SIZE);
		vfree(a[i]);
		vm_unmap_aliases();
		purged[i] = bed_generation;
	}
	assert_int_equal(vmalloc_stats().held_batches, 3);
	for (unsigned int i = 0; i < 3; i++) {
		for (unsigned int cpu = 0; cpu < 3; cpu++)
			bed_covered[cpu] = purged[i];
		vm_unmap_aliases();
		assert_int_equal(vmalloc_stats().held_batches, 2 - i);
		for (unsigned int n = 0; n < 3; n++)
			assert_int_equal(state_of(a[n]), n <= i ? VMAP_NO_AREA : VMAP_HELD);
	}
	assert_int_equal(vmalloc_stats().held_batches_ever, 3);
}

/* More batches than there is room for join the newest, and wait for its purge. */
static void too_many_batches_join(void **state)
{
	void *a[200];
	u64 purge_100 = 0;

	(void)state;
	bed_keep_flushes = false;
	for (unsigned int i = 0; i < 200; i++)
		a[i] = vmap(frames, 1, PAGE_KERNEL);
	for (unsigned int i = 0; i < 200; i++) {
		vunmap(a[i]);
		vm_unmap_aliases();
		if (i == 99)
			purge_100 = bed_generation;
	}
	assert_int_equal(vmalloc_stats().held_batches, 64);
	assert_int_equal(vmalloc_stats().held_batches_ever, 200);
	assert_int_equal(vmalloc_stats().held_pages, 400);
	for (unsigned int cpu = 0; cpu < 3; cpu++)
		bed_covered[cpu] = purge_100;
	vm_unmap_aliases();
	assert_int_equal(vmalloc_stats().held_batches, 1);
	assert_int_equal(state_of(a[62]), VMAP_NO_AREA);
	assert_int_equal(state_of(a[63]), VMAP_HELD); /* with 136 younger ones */
	assert_int_equal(vmalloc_stats().held_pages, 2 * 137);
}

/* An eighth of memory; then the laggards, and they alone, are interrupted. */
static void the_bound_forces_the_laggards(void **state)
{
	u64 bound = frame_counts().total / VMAP_HOLD_FRAMES_SHARE;
	u64 freed = 0;

	(void)state;
	assert_true(bound < VMAP_HOLD_FRAMES_MAX);
	while (freed + 16 <= bound) {
		void *a = vmalloc(16 * PAGE_SIZE);

		assert_non_null(a);
		vfree(a);
		freed += 16;
		assert_int_equal(vmalloc_stats().held_frames, freed);
		if (freed % 512 == 0)
			vm_unmap_aliases();
	}
	assert_int_equal(bed_forced, 0);
	bed_covered[0] = bed_covered[2] = UINT64_MAX / 2;
	vfree(vmalloc(16 * PAGE_SIZE)); /* purges, and that is too much */
	assert_int_equal(bed_forced, 1);
	assert_int_equal(bed_forced_cpus, 1);
	assert_int_equal(vmalloc_stats().held_frames, 0);
	assert_int_equal(vmalloc_stats().held_frames_most, freed + 16);
	assert_int_equal(vmalloc_stats().held_pages, 0);
	assert_int_equal(vmalloc_stats().nr_lazy, 0);
	assert_int_equal(vmalloc_stats().areas_purged, vmalloc_stats().areas_freed);
}

static void addresses_have_a_bound_too(void **state)
{
	u64 bound = frame_counts().total / VMAP_HOLD_FRAMES_SHARE * VMAP_HOLD_PAGES_PER_FRAME;
	u64 pages = 0;

	(void)state;
	while (!bed_forced) {
		assert_true(pages <= bound);
		vunmap(vmap(frames, 1023, PAGE_KERNEL));
		vm_unmap_aliases();
		pages += 1024;
		bed_forget_flushes();
	}
	assert_true(pages > bound);
	assert_int_equal(vmalloc_stats().held_pages, 0);
}

/* An allocation that fits once held frames are back does not fail. */
static void want_of_memory_forces_the_laggards(void **state)
{
	u64 resting = frame_counts().free / 12;
	static void *kept[128];
	unsigned int nr = 0;
	void *a;

	(void)state;
	a = vmalloc(resting * PAGE_SIZE);
	vfree(a);
	while ((kept[nr] = vmalloc(200 * PAGE_SIZE)) && !bed_forced)
		nr++;
	assert_non_null(kept[nr]); /* the one that found too little at first */
	assert_int_equal(bed_forced, 1);
	assert_int_equal(bed_forced_cpus, 3);
	assert_int_equal(vmalloc_stats().held_frames, 0);
	/* What would not fit even then forces nobody. */
	vfree(kept[0]);
	assert_null(vmalloc((frame_counts().free + 201) * PAGE_SIZE));
	assert_int_equal(bed_forced, 1);
	for (unsigned int i = 1; i <= nr; i++)
		vfree(kept[i]);
}

static void all_is_released_before_a_switch(void **state)
{
	void *a = vmalloc(3 * PAGE_SIZE), *b = vmalloc(PAGE_SIZE), *c = vmalloc(PAGE_SIZE);

	(void)state;
	vfree(a);
	vm_unmap_aliases();
	vfree(b); /* lazy */
	vmalloc_release_all_held();
	assert_int_equal(bed_forced, 1);
	assert_int_equal(vmalloc_stats().held_pages, 0);
	assert_int_equal(vmalloc_stats().nr_lazy, 0);
	assert_int_equal(vmalloc_stats().purges_by[PURGE_POLICY], 1);
	assert_int_equal(bed_frames_in_areas(), 1);
	bed_let_cpus_lag(false);
	vmalloc_release_all_held();
	vfree(c); /* as ever: the frame is back at once */
	assert_int_equal(bed_frames_in_areas(), 0);
	vm_unmap_aliases();
	assert_int_equal(state_of(c), VMAP_NO_AREA);
	assert_int_equal(bed_forced, 1);
}

/* The last test: the panic leaves the purge lock behind. */
static void a_forgotten_release_is_found(void **state)
{
	(void)state;
	vfree(vmalloc(PAGE_SIZE));
	vm_unmap_aliases();
	bed_let_cpus_lag(false);
	assert_true(host_panics(vm_unmap_aliases()));
	assert_non_null(strstr(host_panic_text, "vmap_holds"));
	bed_stop();
}

/* --- Chance --- */

#define PAGES 40000UL
#define LIVE  60

static u64 page_unmapped_at[PAGES], frame_freed_at[MEMORY / PAGE_SIZE]; /* 0: never */
static u64 seed;

static u64 rnd(u64 below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

/* Unmapped when purge N was the newest: purge N + 1 is the first that can cover it. */
static void assert_rested(u64 unmapped_at)
{
	for (unsigned int cpu = 0; cpu < bed_online_cpus && unmapped_at; cpu++)
		assert_true(bed_covered[cpu] > unmapped_at - 1);
}

struct area {
	bool of_vmalloc;
	u64 addr, count;
};

static struct area make_area(void)
{
	struct area area = {rnd(3) > 0, 0, 1 + rnd(rnd(8) ? 12 : 200)};

	area.addr = area.of_vmalloc ? at(vmalloc(area.count * PAGE_SIZE))
				    : at(vmap(frames, (unsigned int)area.count, PAGE_KERNEL));
	for (u64 i = 0; area.addr && i < area.count; i++) {
		phys_addr_t frame = bed_frame_at(area.addr + i * PAGE_SIZE, NULL);

		assert_true((area.addr - VMALLOC_START) / PAGE_SIZE + i < PAGES);
		assert_rested(page_unmapped_at[(area.addr - VMALLOC_START) / PAGE_SIZE + i]);
		if (area.of_vmalloc)
			assert_rested(frame_freed_at[frame / PAGE_SIZE]);
	}
	return area;
}

static void end_area(const struct area *area)
{
	for (u64 i = 0; i < area->count; i++) {
		phys_addr_t frame = bed_frame_at(area->addr + i * PAGE_SIZE, NULL);

		page_unmapped_at[(area->addr - VMALLOC_START) / PAGE_SIZE + i] = bed_generation + 1;
		if (area->of_vmalloc)
			frame_freed_at[frame / PAGE_SIZE] = bed_generation + 1;
	}
	if (area->of_vmalloc)
		vfree((void *)area->addr);
	else
		vunmap((void *)area->addr);
}

static bool in_ring3[3];

/* Who is in the kernel is interrupted. */
static void flush_in_kernel(u64 start, u64 end)
{
	(void)start;
	(void)end;
	for (unsigned int cpu = 0; cpu < 3; cpu++)
		if (!in_ring3[cpu])
			bed_catch_up(cpu);
}

/* In or out; who enters flushes. */
static void cross_boundary(unsigned int cpu)
{
	in_ring3[cpu] = !in_ring3[cpu];
	if (!in_ring3[cpu])
		bed_catch_up(cpu);
}

static void nothing_is_reused_too_early(void **state)
{
	struct area live[LIVE];
	unsigned int nr = 0;

	(void)state;
	memset(page_unmapped_at, 0, sizeof(page_unmapped_at));
	memset(frame_freed_at, 0, sizeof(frame_freed_at));
	seed = 0x9e3779b97f4a7c15UL;
	bed_keep_flushes = false;
	bed_in_flush = flush_in_kernel;
	for (unsigned int step = 0; step < 200000; step++) {
		u64 what = rnd(100);

		if (what < 2)
			vm_unmap_aliases();
		else if (what < 5) /* CPU 2 is the one that stays in ring 3 for long */
			cross_boundary(rnd(200) ? (unsigned int)rnd(2) : 2);
		else if (nr < LIVE && what < 53) {
			live[nr] = make_area();
			nr += live[nr].addr != 0;
		} else if (nr) {
			unsigned int i = (unsigned int)rnd(nr);

			end_area(&live[i]);
			live[i] = live[--nr];
		}
		assert_true(vmalloc_stats().held_frames <=
			    frame_counts().total / VMAP_HOLD_FRAMES_SHARE);
	}
	/* Nothing of this held because it never happened. */
	assert_true(vmalloc_stats().held_batches_ever > 300);
	assert_true(bed_forced > 10);
	assert_true(vmalloc_stats().areas_purged > 10000);
	assert_true(bed_forced_cpus >= bed_forced && bed_forced_cpus < bed_forced * 3);
	while (nr)
		end_area(&live[--nr]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(frames_and_addresses_rest_until_all_have_flushed),
		TEST(only_addresses_of_vmap_rest),
		TEST(blocks_rest_as_a_whole),
		TEST(batches_are_released_in_order),
		TEST(too_many_batches_join),
		TEST(the_bound_forces_the_laggards),
		TEST(addresses_have_a_bound_too),
		TEST(want_of_memory_forces_the_laggards),
		TEST(all_is_released_before_a_switch),
		TEST(nothing_is_reused_too_early),
		cmocka_unit_test_setup(a_forgotten_release_is_found, set_up),
	};

	return cmocka_run_group_tests_name("vmalloc_hold", tests, NULL, NULL);
}
