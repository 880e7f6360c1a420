/* SPDX-License-Identifier: MIT */
/*
 * Storm patterns, see storm.h. Every page of an area is written with a tag of its own and read back
 * before the area goes away, so an address or a frame with two owners is noticed.
 */
#include "kernel/storm.h"

#include "arch/x86_64/paging.h"
#include "arch/x86_64/string.h"
#include "mm/frames.h"
#include "mm/vmalloc.h"

#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(u64))
#define STACK_PAGES    4 /* 16 KiB, as VMAP_STACK's */
#define RANDOM_PAGES   200

static void write_tags(const struct storm_area *area)
{
	for (u32 page = 0; page < area->pages; page++)
		area->memory[page * WORDS_PER_PAGE] = area->tag + page;
}

static bool tags_intact(const struct storm_area *area)
{
	for (u32 page = 0; page < area->pages; page++)
		if (area->memory[page * WORDS_PER_PAGE] != area->tag + page)
			return false;
	return true;
}

static bool take(struct storm_worker *worker, struct storm_area *area, void *memory, u32 pages)
{
	if (!memory) {
		worker->failures++;
		return false;
	}
	worker->allocations++;
	worker->next_tag += 0x10000;
	*area = (struct storm_area){memory, worker->next_tag, pages};
	write_tags(area);
	return true;
}

static void check(struct storm_worker *worker, const struct storm_area *area)
{
	if (!tags_intact(area))
		worker->corrupted++;
}

static void allocate(struct storm_worker *worker, struct storm_area *area, u32 pages)
{
	take(worker, area, vmalloc(pages * PAGE_SIZE), pages);
}

static void release(struct storm_worker *worker, struct storm_area *area)
{
	if (!area->memory)
		return;
	check(worker, area);
	vfree(area->memory);
	area->memory = NULL;
}

/* test_vmalloc's fix_size: the same size, allocated and freed at once. */
static void fixed_size(struct storm_worker *worker)
{
	for (u32 i = 0; i < 4; i++) {
		struct storm_area area = {0};

		allocate(worker, &area, 3);
		release(worker, &area);
	}
}

/* random_size: 1 to hundreds of pages. */
static void random_size(struct storm_worker *worker)
{
	struct storm_area area = {0};

	allocate(worker, &area, 1 + (u32)random_below(&worker->random, RANDOM_PAGES));
	release(worker, &area);
}

/* Threads come and go: a handful of stacks, freed in another order. */
static void stacks(struct storm_worker *worker)
{
	struct storm_area areas[8] = {0};

	for (u32 i = 0; i < ARRAY_SIZE(areas); i++)
		allocate(worker, &areas[i], STACK_PAGES);
	for (u32 i = 0; i < ARRAY_SIZE(areas); i++)
		release(worker, &areas[i * 5 % ARRAY_SIZE(areas)]);
}

/* long_busy_list: areas that live across operations, so that the free tree has holes. */
static void long_busy(struct storm_worker *worker)
{
	struct storm_area *area = &worker->live[random_below(&worker->random, STORM_LIVE_AREAS)];

	release(worker, area);
	allocate(worker, area, 1 + (u32)random_below(&worker->random, 16));
}

static void map_ram(struct storm_worker *worker)
{
	u32 pages = 1 + (u32)random_below(&worker->random, STORM_FRAMES);
	void *memory = vm_map_ram(worker->frames, pages);
	struct storm_area area;

	if (!take(worker, &area, memory, pages))
		return;
	check(worker, &area);
	vm_unmap_ram(memory, pages);
}

static void map_frames(struct storm_worker *worker)
{
	u32 pages = 1 + (u32)random_below(&worker->random, STORM_FRAMES);
	void *memory = vmap(worker->frames, pages, PAGE_KERNEL);
	struct storm_area area;

	if (!take(worker, &area, memory, pages))
		return;
	check(worker, &area);
	vunmap(memory);
}

bool storm_init(struct storm_worker *worker, u64 seed, u64 stream, u32 alias_percent)
{
	memset(worker, 0, sizeof(*worker));
	random_init(&worker->random, seed, stream);
	worker->alias_percent = alias_percent;
	worker->next_tag = stream << 48;
	for (u32 i = 0; i < STORM_FRAMES; i++) {
		worker->frames[i] = frame_alloc();
		if (!worker->frames[i])
			return false;
	}
	return true;
}

void storm_operation(struct storm_worker *worker)
{
	static void (*const patterns[])(struct storm_worker *) = {
		fixed_size, random_size, stacks, long_busy, long_busy, map_ram, map_frames,
	};

	patterns[random_below(&worker->random, ARRAY_SIZE(patterns))](worker);
	worker->operations++;
	if (random_below(&worker->random, 100) < worker->alias_percent)
		vm_unmap_aliases();
	if (worker->between)
		worker->between(worker);
}

void storm_run(void *arg)
{
	struct storm_worker *worker = arg;

	while (!__atomic_load_n(&worker->stop, __ATOMIC_ACQUIRE))
		storm_operation(worker);
}

void storm_end(struct storm_worker *worker)
{
	for (u32 i = 0; i < STORM_LIVE_AREAS; i++)
		release(worker, &worker->live[i]);
	for (u32 i = 0; i < STORM_FRAMES; i++)
		if (worker->frames[i])
			frame_free(worker->frames[i]);
}
