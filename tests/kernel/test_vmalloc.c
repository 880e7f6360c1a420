/* SPDX-License-Identifier: MIT */
/*
 * vmalloc on the real page tables and the real TLBs; against a model, with every error, it is
 * tested on the host. Here: what is mapped is mapped on every CPU, what was purged faults on every
 * CPU (they all have read it just before, so a CPU that was left out still could), the guard page
 * faults, and each of the five places that Linux's seed made deferrable issues exactly the flushes
 * that it should: the purges counted by vmalloc are compared with the flushes counted by the flush
 * code.
 */
#include "mm/vmalloc.h"

#include "arch/x86_64/paging.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/string.h"
#include "kernel/storm.h"
#include "mm/frames.h"
#include "mm/tlbflush.h"
#include "tests/kernel/probe.h"

static bool debug_pagealloc(void)
{
	return ktest_setup->options->debug_pagealloc;
}

/* Flushes of the vmalloc area, however this kernel was built. */
static u64 flushes(void)
{
	struct flush_totals totals = flush_totals();

	return totals.deferrable + totals.undeferrable;
}

/* --- Reading and writing -----------------------------------------------------------------------
 */

static u64 probe_address, probe_expected;

static void probe_here(void *unused)
{
	(void)unused;
	EXPECT_EQ(probe_read(probe_address), probe_expected);
}

/* Reads at ADDRESS on every CPU, the expected result is PROBE_OK or a vector. */
static void probe_everywhere(u64 address, u64 expected)
{
	probe_address = address;
	probe_expected = expected;
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		on_cpu(cpu, probe_here, NULL, "an access to the vmalloc area");
}

static enum vmap_state state_of(u64 address)
{
	struct vmap_area_info info;

	return find_vmap_area(address, &info);
}

KTEST(vmalloc, memory_guard_page_and_end)
{
	static const u64 sizes[] = {1, PAGE_SIZE, PAGE_SIZE + 1, 33 * PAGE_SIZE, 200 * PAGE_SIZE};

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		u64 len = ALIGN_UP(sizes[i], PAGE_SIZE);
		u64 *memory = vmalloc(sizes[i]);
		u64 start = (u64)memory;

		ASSERT(memory);
		EXPECT(start >= VMALLOC_START && start + len < VMALLOC_END);
		EXPECT(IS_ALIGNED(start, PAGE_SIZE));
		for (u64 word = 0; word < len / sizeof(u64); word++)
			memory[word] = start + word;
		for (u64 word = 0; word < len / sizeof(u64); word++)
			if (memory[word] != start + word)
				ktest_fail(__FILE__, __LINE__, "word %lu is %lx", word,
					   memory[word]);
		EXPECT_EQ(state_of(start), VMAP_LIVE);
		probe_everywhere(start + len - 1, PROBE_OK);
		probe_everywhere(start + len, VECTOR_PF);
		vfree(memory);
		EXPECT_EQ(state_of(start), VMAP_LAZY);
		vm_unmap_aliases();
		EXPECT_EQ(state_of(start), VMAP_NO_AREA);
		probe_everywhere(start, VECTOR_PF);
		probe_everywhere(start + len - 1, VECTOR_PF);
	}
	EXPECT(!vmalloc(0));
}

#define MANY 512

/* MANY times the same frame: areas as long as one likes for one page of memory. */
static phys_addr_t same_frame[MANY];

static bool take_frame(void)
{
	phys_addr_t frame = frame_alloc_zeroed();

	for (u32 i = 0; i < MANY; i++)
		same_frame[i] = frame;
	if (!frame)
		ktest_fail(__FILE__, __LINE__, "no frame");
	return frame;
}

KTEST(vmalloc, vmap_shows_the_frames)
{
	phys_addr_t frames[3];
	u64 free;
	u64 *memory;

	ASSERT(take_frame());
	for (u32 i = 0; i < 3; i++) {
		frames[i] = i == 1 ? same_frame[0] : frame_alloc_zeroed();
		ASSERT(frames[i]);
		*(u64 *)phys_to_virt(frames[i]) = 100 + i;
	}
	free = frame_counts().free;
	memory = vmap(frames, 3, PAGE_KERNEL);
	ASSERT(memory);
	for (u32 i = 0; i < 3; i++)
		EXPECT_EQ(memory[i * PAGE_SIZE / 8], 100 + i);
	memory[PAGE_SIZE / 8] = 7;
	EXPECT_EQ(*(u64 *)phys_to_virt(frames[1]), 7);
	vunmap(memory);
	vm_unmap_aliases();
	probe_everywhere((u64)memory, VECTOR_PF);
	EXPECT(frame_counts().free <= free); /* the frames are still ours */

	memory = vmap(frames, 1, PAGE_KERNEL_RO);
	ASSERT(memory);
	EXPECT_EQ(probe_read((u64)memory), PROBE_OK);
	EXPECT_EQ(probe_write((u64)memory), VECTOR_PF);
	vunmap(memory);
	for (u32 i = 0; i < 3; i++)
		frame_free(frames[i]);
}

/* 64 pages come from a block, 65 are an area; both are unmapped by the same call. */
KTEST(vmalloc, map_ram_small_and_large)
{
	static const unsigned int counts[] = {1, 3, 64, 65, 200};

	ASSERT(take_frame());
	for (u32 i = 0; i < ARRAY_SIZE(counts); i++) {
		u64 blocks = vmalloc_stats().blocks_allocated;
		u64 *memory = vm_map_ram(same_frame, counts[i]);
		u64 last = (u64)memory + (counts[i] - 1) * PAGE_SIZE;

		ASSERT(memory);
		*memory = 41 + i;
		EXPECT_EQ(load(last), 41 + i);
		probe_everywhere(last, PROBE_OK);
		vm_unmap_ram(memory, counts[i]);
		vm_unmap_aliases();
		probe_everywhere((u64)memory, VECTOR_PF);
		probe_everywhere(last, VECTOR_PF);
		EXPECT(vmalloc_stats().blocks_allocated - blocks <= (counts[i] <= 64));
	}
	frame_free(same_frame[0]);
}

/* --- Purges ------------------------------------------------------------------------------------
 */

/*
 * Areas of MANY pages and a guard page are freed until the lazy list is over its limit. Until then
 * no flush and no address twice; then one flush, and the lowest address is the lowest again.
 */
KTEST(vmalloc, threshold_purge_is_one_flush)
{
	struct vmalloc_stats before, now;
	u64 flushes_before, first = 0, last = 0, freed = 0;
	void *memory;

	ASSERT(take_frame());
	vm_unmap_aliases();
	before = vmalloc_stats();
	EXPECT_EQ(before.nr_lazy, 0);
	flushes_before = flushes();
	do {
		memory = vmap(same_frame, MANY, PAGE_KERNEL);
		ASSERT(memory);
		EXPECT((u64)memory > last);
		if (!first)
			first = (u64)memory;
		last = (u64)memory;
		EXPECT_EQ(vmalloc_stats().nr_lazy, freed * (MANY + 1));
		EXPECT_EQ(flushes() - flushes_before, debug_pagealloc() ? freed : 0);
		vunmap(memory);
		freed++;
	} while (freed * (MANY + 1) <= lazy_max_pages());
	now = vmalloc_stats();
	EXPECT_EQ(now.nr_lazy, 0);
	EXPECT_EQ(now.purges - before.purges, 1);
	EXPECT_EQ(now.purges_by[PURGE_THRESHOLD] - before.purges_by[PURGE_THRESHOLD], 1);
	EXPECT_EQ(now.areas_purged - before.areas_purged, freed);
	EXPECT_EQ(flushes() - flushes_before, 1 + (debug_pagealloc() ? freed : 0));
	memory = vmap(same_frame, MANY, PAGE_KERNEL);
	EXPECT_EQ((u64)memory, first);
	vunmap(memory);
	vm_unmap_aliases();
	frame_free(same_frame[0]);
}

/* --- The five call sites -----------------------------------------------------------------------
 */

static void by_vunmap_range(void *memory)
{
	vunmap_range((u64)memory, (u64)memory + PAGE_SIZE);
}

static void by_vunmap(void *memory)
{
	vunmap(memory);
}

static void by_unmap_ram(void *memory)
{
	vm_unmap_ram(memory, 2);
}

static void by_alias(void *unused)
{
	(void)unused;
	vm_unmap_aliases();
}

static void by_alias_range(void *memory)
{
	_vm_unmap_aliases((u64)memory, (u64)memory + PAGE_SIZE, true);
}

/* What OPERATION moves, by the stats of vmalloc; with debug_pagealloc `debug` on top. */
static void expect_flushes(const char *name, void (*operation)(void *), void *memory,
			   struct vmalloc_stats want)
{
	struct vmalloc_stats before = vmalloc_stats();
	u64 flushes_before = flushes();
	struct vmalloc_stats now;
	u64 moved[4], wanted[4];

	if (!debug_pagealloc())
		want.debug_flushes = 0;
	operation(memory);
	now = vmalloc_stats();
	moved[0] = now.vunmap_flushes - before.vunmap_flushes;
	moved[1] = now.debug_flushes - before.debug_flushes;
	moved[2] = now.alias_flushes - before.alias_flushes;
	moved[3] = now.purges_by[PURGE_ALIAS] - before.purges_by[PURGE_ALIAS];
	wanted[0] = want.vunmap_flushes;
	wanted[1] = want.debug_flushes;
	wanted[2] = want.alias_flushes;
	wanted[3] = want.purges_by[PURGE_ALIAS];
	for (u32 i = 0; i < 4; i++)
		if (moved[i] != wanted[i])
			ktest_fail(__FILE__, __LINE__, "%s: count %u moved by %lu, not %lu", name,
				   i, moved[i], wanted[i]);
	EXPECT_EQ(flushes() - flushes_before, wanted[0] + wanted[1] + wanted[2] + wanted[3]);
}

/* The fifth, the lazy purge over its threshold, is the test above. */
KTEST(vmalloc, every_call_site_flushes)
{
	const struct vmalloc_stats none = {0};
	const struct vmalloc_stats one_vunmap = {.vunmap_flushes = 1};
	const struct vmalloc_stats one_debug = {.debug_flushes = 1};
	const struct vmalloc_stats one_alias = {.alias_flushes = 1};
	const struct vmalloc_stats one_purge = {.purges_by = {[PURGE_ALIAS] = 1}};
	void *memory;

	ASSERT(take_frame());
	vm_unmap_aliases();
	expect_flushes("alias purge of nothing", by_alias, NULL, none);
	memory = vmap(same_frame, 2, PAGE_KERNEL);
	ASSERT(memory);
	expect_flushes("vunmap_range", by_vunmap_range, memory, one_vunmap);
	probe_everywhere((u64)memory, VECTOR_PF);
	probe_everywhere((u64)memory + PAGE_SIZE, PROBE_OK);
	expect_flushes("free_unmap_vmap_area", by_vunmap, memory, one_debug);
	expect_flushes("alias purge of an area", by_alias, NULL, one_purge);
	probe_everywhere((u64)memory + PAGE_SIZE, VECTOR_PF);

	/* A second mapping keeps the block alive, so that there is no area to purge. */
	memory = vm_map_ram(same_frame, 2);
	ASSERT(memory);
	EXPECT(vm_map_ram(same_frame, 2));
	expect_flushes("vb_free", by_unmap_ram, memory, one_debug);
	expect_flushes("alias flush of a block", by_alias, NULL, one_alias);
	probe_everywhere((u64)memory, VECTOR_PF);
	expect_flushes("alias flush once more", by_alias, NULL, none);
	expect_flushes("alias flush of a range", by_alias_range, memory, one_alias);
	vm_unmap_ram((char *)memory + 2 * PAGE_SIZE, 2);
	vm_unmap_aliases();
	frame_free(same_frame[0]);
}

/* --- All CPUs at once --------------------------------------------------------------------------
 */

static struct storm_worker storm_workers[16];

static u32 storm_operations(void)
{
	return 160 / nr_online_cpus() + 10;
}

static void storm_some(void *worker)
{
	for (u32 i = 0; i < storm_operations(); i++)
		storm_operation(worker);
	storm_end(worker);
}

KTEST(vmalloc, all_cpus_at_once)
{
	unsigned int cpus = min(nr_online_cpus(), (unsigned int)ARRAY_SIZE(storm_workers));
	struct vmalloc_stats before, now;

	vm_unmap_aliases();
	before = vmalloc_stats();
	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		ASSERT(storm_init(&storm_workers[cpu], ktest_setup->options->seed, cpu, 5));
	for (unsigned int cpu = 1; cpu < cpus; cpu++)
		cpu_work_start(cpu, storm_some, &storm_workers[cpu]);
	storm_some(&storm_workers[0]);
	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		if (cpu)
			cpu_work_wait(cpu, 6 * SOON_MS, "its share of the storm");
		EXPECT_EQ(storm_workers[cpu].operations, storm_operations());
		EXPECT(storm_workers[cpu].allocations > 0);
		EXPECT_EQ(storm_workers[cpu].failures, 0);
		EXPECT_EQ(storm_workers[cpu].corrupted, 0);
	}
	vm_unmap_aliases();
	now = vmalloc_stats();
	EXPECT_EQ(now.nr_lazy, 0);
	EXPECT_EQ(now.areas_purged - before.areas_purged, now.areas_freed - before.areas_freed);
	EXPECT(now.areas_allocated - before.areas_allocated >=
	       now.areas_freed - before.areas_freed);
}
