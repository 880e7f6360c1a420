// sources: mm/v*.c mm/area_*.c mm/slab.c mm/frame*.c arch/x86_64/paging*.c tests/host/bed_*.c
// flags: -fno-sanitize=all -fsanitize=thread -pthread -DCONFIG_CONTEXT_TRACKING_WORK=1
/* SPDX-License-Identifier: MIT */
/*
 * vmalloc on four CPUs at once, each a thread, under the race detector. Every page of address space
 * has an owner and a mark "unmapped, not flushed", every frame has an owner and holds its owner's
 * number. A flush takes the mark away where it finds the page unmapped; an address that is handed
 * out with its mark on, or with an owner, was reused too early. Areas change hands between threads,
 * so that one CPU frees what another one mapped. Under a policy that lets CPUs lag, pages and
 * frames have a number as well, that of the first purge that can cover them, and must not be handed
 * out before every CPU has executed it.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/paging.h"
#include "tests/host/bed_memory.h"
#include "tests/host/bed_vmalloc.h"
#include "tests/host/host_log.h"

#define THREADS	 4
#define STEPS	 10000
#define PAGES	 (1UL << 18)
#define MEMORY	 MIB(128)
#define MAX_LIVE 40
#define MAILBOX	 64

static unsigned int page_owner[PAGES];
static unsigned char page_unflushed[PAGES];
static unsigned int frame_owner[MEMORY / PAGE_SIZE];
static u64 page_rests[PAGES], frame_rests[MEMORY / PAGE_SIZE]; /* 0: never used */
static bool quarantine;

enum kind { VMALLOC, VMAP, RAM };

struct area {
	enum kind kind;
	u64 first, count;
	unsigned int owner; /* number of the call that made it */
	phys_addr_t frames[100];
};

static struct area *mailbox[MAILBOX];
static unsigned int next_owner = 1;
static unsigned int aliases;

/* cmocka's assertions jump, which is of no use in a thread that is not the test's. */
#define check(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static u64 rnd(u64 *seed, u64 below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed % below;
}

static u64 va_of(u64 index)
{
	return VMALLOC_START + index * PAGE_SIZE;
}

/* A page that is still mapped is about to be unmapped by somebody: this flush is not for it. */
static void on_flush(u64 start, u64 end)
{
	u64 last = min((end - VMALLOC_START) / PAGE_SIZE, PAGES);

	for (u64 i = (start - VMALLOC_START) / PAGE_SIZE; i < last; i++) {
		if (__atomic_load_n(&page_unflushed[i], __ATOMIC_ACQUIRE) &&
		    !bed_frame_at(va_of(i), NULL))
			__atomic_store_n(&page_unflushed[i], 0, __ATOMIC_RELEASE);
	}
}

static void check_rested(const u64 *rests)
{
	u64 purge = __atomic_load_n(rests, __ATOMIC_ACQUIRE);

	for (unsigned int cpu = 0; quarantine && cpu < THREADS; cpu++)
		check(__atomic_load_n(&bed_covered[cpu], __ATOMIC_ACQUIRE) >= purge);
}

static void note_rest(u64 *rests)
{
	u64 issued = __atomic_load_n(&bed_generation, __ATOMIC_ACQUIRE);

	__atomic_store_n(rests, issued + 1, __ATOMIC_RELEASE);
}

static void take_page(u64 index, unsigned int owner)
{
	check(index < PAGES);
	check_rested(&page_rests[index]);
	check(!__atomic_load_n(&page_unflushed[index], __ATOMIC_ACQUIRE));
	check(!__atomic_exchange_n(&page_owner[index], owner, __ATOMIC_ACQ_REL));
}

static void leave_page(u64 index, unsigned int owner)
{
	note_rest(&page_rests[index]);
	check(__atomic_exchange_n(&page_owner[index], 0, __ATOMIC_ACQ_REL) == owner);
}

static void take_frame(phys_addr_t frame, unsigned int owner)
{
	check(frame < MEMORY);
	check_rested(&frame_rests[frame / PAGE_SIZE]);
	check(!__atomic_exchange_n(&frame_owner[frame / PAGE_SIZE], owner, __ATOMIC_ACQ_REL));
	*(unsigned int *)phys_to_virt(frame) = owner; /* plain: the race detector watches */
}

static void leave_frame(phys_addr_t frame, unsigned int owner)
{
	check(*(unsigned int *)phys_to_virt(frame) == owner);
	note_rest(&frame_rests[frame / PAGE_SIZE]);
	check(__atomic_exchange_n(&frame_owner[frame / PAGE_SIZE], 0, __ATOMIC_ACQ_REL) == owner);
}

static bool has_guard(const struct area *area)
{
	return area->kind != RAM || area->count > 64;
}

static struct area *make_area(u64 *seed)
{
	struct area *area = malloc(sizeof(*area));
	void *addr;

	area->kind = (enum kind)rnd(seed, 3);
	area->count = 1 + (rnd(seed, 4) ? rnd(seed, 8) : rnd(seed, 100));
	area->owner = __atomic_fetch_add(&next_owner, 1, __ATOMIC_RELAXED);
	for (u64 i = 0; i < area->count; i++)
		area->frames[i] = GIB(1) + rnd(seed, 100000) * PAGE_SIZE;
	if (area->kind == VMALLOC)
		addr = vmalloc(area->count * PAGE_SIZE);
	else if (area->kind == VMAP)
		addr = vmap(area->frames, (unsigned int)area->count, PAGE_KERNEL);
	else
		addr = vm_map_ram(area->frames, (unsigned int)area->count);
	check(addr);
	area->first = ((u64)addr - VMALLOC_START) / PAGE_SIZE;
	for (u64 i = 0; i < area->count; i++) {
		phys_addr_t frame = bed_frame_at(va_of(area->first + i), NULL);

		take_page(area->first + i, area->owner);
		if (area->kind == VMALLOC)
			take_frame(frame, area->owner);
		else
			check(frame == area->frames[i]);
		area->frames[i] = frame;
	}
	if (has_guard(area))
		take_page(area->first + area->count, area->owner);
	return area;
}

static void end_area(struct area *area)
{
	void *addr = (void *)va_of(area->first);

	for (u64 i = 0; i < area->count; i++) {
		check(bed_frame_at(va_of(area->first + i), NULL) == area->frames[i]);
		if (area->kind == VMALLOC)
			leave_frame(area->frames[i], area->owner);
		leave_page(area->first + i, area->owner);
		__atomic_store_n(&page_unflushed[area->first + i], 1, __ATOMIC_RELEASE);
	}
	if (has_guard(area)) {
		check(!bed_frame_at(va_of(area->first + area->count), NULL));
		leave_page(area->first + area->count, area->owner);
	}
	if (area->kind == VMALLOC)
		vfree(addr);
	else if (area->kind == VMAP)
		vunmap(addr);
	else
		vm_unmap_ram(addr, (unsigned int)area->count);
	free(area);
}

/* Leaves one area for the others and takes what lay there. */
static struct area *swap_area(u64 *seed, struct area *area)
{
	return __atomic_exchange_n(&mailbox[rnd(seed, MAILBOX)], area, __ATOMIC_ACQ_REL);
}

/* A window where nothing may be free: it purges. Whatever it gets goes back at once. */
static void try_window(u64 *seed)
{
	phys_addr_t frame = GIB(1);
	u64 start = va_of(rnd(seed, 3000));
	void *addr = vmap_range(&frame, 1, PAGE_KERNEL, start, start + 2 * PAGE_SIZE);
	struct vmap_area_info info;

	if (!addr)
		return;
	check((u64)addr == start);
	check(!__atomic_load_n(&page_unflushed[(start - VMALLOC_START) / PAGE_SIZE],
			       __ATOMIC_ACQUIRE));
	check(find_vmap_area(start, &info) == VMAP_UNKNOWN || info.start == start);
	__atomic_store_n(&page_unflushed[(start - VMALLOC_START) / PAGE_SIZE], 1, __ATOMIC_RELEASE);
	vunmap(addr);
}

static void *cpu_main(void *number)
{
	struct area *live[MAX_LIVE];
	unsigned int nr = 0;
	u64 seed;

	bed_cpu = (unsigned int)(uintptr_t)number;
	seed = 0x9e3779b97f4a7c15UL * (bed_cpu + 1);
	for (unsigned int step = 0; step < STEPS; step++) {
		u64 what = rnd(&seed, 4000);

		if (rnd(&seed, bed_cpu == 3 ? 5000 : 50) == 0)
			bed_catch_up(bed_cpu);
		if (what < 2) {
			vm_unmap_aliases();
			__atomic_fetch_add(&aliases, 1, __ATOMIC_RELAXED);
		} else if (what < 5) {
			try_window(&seed);
		} else if (nr < MAX_LIVE && what < 2000) {
			live[nr++] = make_area(&seed);
		} else if (nr) {
			u64 i = rnd(&seed, nr);
			struct area *area = live[i];

			live[i] = live[--nr];
			if (what % 2)
				area = swap_area(&seed, area);
			if (area)
				end_area(area);
		}
	}
	while (nr)
		end_area(live[--nr]);
	return NULL;
}

static void run_threads(void *(*main_function)(void *))
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, main_function, (void *)i), 0);
	for (unsigned int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* Tables of LEVEL and below that hang under TABLE, itself included. */
static u64 count_tables(phys_addr_t table, unsigned int level)
{
	const u64 *entries = phys_to_virt(table);
	u64 count = 1;

	for (unsigned int i = 0; level > 1 && i < 512; i++) {
		if (entries[i] & 1)
			count += count_tables(entries[i] & PTE_ADDR_MASK, level - 1);
	}
	return count;
}

static void run_storm(bool debug_pagealloc, bool lag)
{
	struct vmalloc_stats stats;
	phys_addr_t frame = GIB(1);
	void *nothing;

	bed_start(MEMORY, debug_pagealloc);
	quarantine = lag;
	bed_let_cpus_lag(lag);
	bed_online_cpus = lag ? THREADS : 1;
	memset(page_rests, 0, sizeof(page_rests));
	memset(frame_rests, 0, sizeof(frame_rests));
	bed_in_flush = on_flush;
	bed_keep_flushes = false;
	memset(page_owner, 0, sizeof(page_owner));
	memset(page_unflushed, 0, sizeof(page_unflushed));
	memset(frame_owner, 0, sizeof(frame_owner));
	run_threads(cpu_main);
	for (unsigned int i = 0; i < MAILBOX; i++) {
		if (mailbox[i])
			end_area(mailbox[i]);
		mailbox[i] = NULL;
	}
	nothing = vmap_range(&frame, 1, PAGE_KERNEL, VMALLOC_START, VMALLOC_START + PAGE_SIZE);
	assert_null(nothing);
	vm_unmap_aliases();
	assert_int_equal(vmalloc_stats().held_frames_most > 0, lag);
	vmalloc_release_all_held();

	stats = vmalloc_stats();
	assert_int_equal(stats.forced_flushes > 1, lag);
	assert_int_equal(stats.held_pages + stats.held_frames, 0);
	assert_true(lag || stats.purges_by[PURGE_THRESHOLD] > 5); /* a lag purges for memory, too */
	assert_true(stats.purges_by[PURGE_OVERFLOW] > 5);
	assert_true(stats.purges_by[PURGE_ALIAS] + stats.alias_flushes > 5);
	assert_int_equal(stats.nr_lazy, 0);
	assert_int_equal(stats.areas_purged, stats.areas_allocated);
	assert_int_equal(stats.metadata_objects, 1);
	assert_int_equal(bed_frames_in_areas(), 0);
	for (u64 i = 0; i < PAGES; i++) {
		assert_int_equal(page_owner[i], 0);
		assert_int_equal(page_unflushed[i], 0);
	}
	/* Given back were only tables that lost the race to be linked. */
	assert_int_equal(count_tables(bed_root, 4), bed_tables_made - bed_tables_released);
	bed_stop();
}

static void a_storm_on_four_cpus(void **state)
{
	(void)state;
	run_storm(false, false);
}

static void a_storm_with_debug_pagealloc(void **state)
{
	(void)state;
	run_storm(true, false);
}

static void a_storm_with_quarantine(void **state)
{
	(void)state;
	run_storm(false, true);
}

/* --- All want the same table --- */

#define SLOTS 200

static pthread_barrier_t barrier;

/* Each thread maps every fourth page of each fresh 2 MiB slot, all beginning at once. */
static void *map_every_fourth(void *number)
{
	u64 cpu = (uintptr_t)number;

	for (u64 slot = 0; slot < SLOTS; slot++) {
		u64 base = CPU_AREA_BASE + slot * (GIB(1) + PMD_SIZE);

		pthread_barrier_wait(&barrier);
		for (u64 page = cpu; page < 32; page += THREADS)
			check(!map_page(bed_root, base + page * PAGE_SIZE,
					(slot * 32 + page + 1) * PAGE_SIZE, PAGE_KERNEL));
	}
	return NULL;
}

static void a_table_is_made_once(void **state)
{
	(void)state;
	bed_start(MEMORY, false);
	pthread_barrier_init(&barrier, NULL, THREADS);
	run_threads(map_every_fourth);
	pthread_barrier_destroy(&barrier);
	for (u64 slot = 0; slot < SLOTS; slot++) {
		for (u64 page = 0; page < 32; page++)
			assert_int_equal(bed_frame_at(CPU_AREA_BASE + slot * (GIB(1) + PMD_SIZE) +
							      page * PAGE_SIZE,
						      NULL),
					 (slot * 32 + page + 1) * PAGE_SIZE);
	}
	assert_int_equal(count_tables(bed_root, 4), bed_tables_made - bed_tables_released);
	bed_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_storm_on_four_cpus),
		cmocka_unit_test(a_storm_with_debug_pagealloc),
		cmocka_unit_test(a_storm_with_quarantine),
		cmocka_unit_test(a_table_is_made_once),
	};

	return cmocka_run_group_tests_name("vmalloc_threads", tests, NULL, NULL);
}
