// sources: mm/v*.c mm/area_*.c mm/slab.c mm/frame*.c arch/x86_64/paging*.c tests/host/bed_*.c
// flags: -DCONFIG_CONTEXT_TRACKING_WORK=1
/* SPDX-License-Identifier: MIT */
/*
 * vmalloc_huge(): 2 MiB pages where there are blocks of memory, page tables replaced only where
 * they are in the way, each under a flush of its own, nothing lost however memory runs out. The
 * flush itself is bed_vmalloc.c's, which looks whether the table is out of reach by then.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mm/frame_list.h"
#include "tests/host/bed_memory.h"
#include "tests/host/bed_vmalloc.h"
#include "tests/host/host_log.h"

#define MEMORY MIB(64)
#define LARGE  0x80UL

static phys_addr_t held[MEMORY / PAGE_SIZE];
static u64 nr_held;

static int set_up(void **state)
{
	(void)state;
	bed_start(MEMORY, false);
	return 0;
}

static int tear_down(void **state)
{
	struct vmalloc_stats stats;

	(void)state;
	while (nr_held)
		frame_free(held[--nr_held]);
	vmalloc_release_all_held();
	vm_unmap_aliases();
	stats = vmalloc_stats();
	assert_int_equal(stats.areas_purged, stats.areas_allocated);
	assert_int_equal(stats.metadata_objects, 1);
	assert_int_equal(stats.tables_replaced, bed_pgtable_flushes);
	assert_int_equal(bed_tables_released, bed_pgtable_flushes);
	assert_int_equal(bed_frames_in_areas(), 0);
	bed_stop();
	return 0;
}

static u64 at(const void *addr)
{
	return (u64)addr;
}

static bool is_large(u64 va)
{
	u64 flags = 0;

	return bed_frame_at(va, &flags) && (flags & LARGE);
}

/* PAGES pages from ADDR on: the first LARGE_PAGES of 2 MiB, the others of 4 KiB, then none. */
static void assert_mapped(const void *addr, u64 large_pages, u64 pages)
{
	for (u64 i = 0; i < pages; i++) {
		assert_int_not_equal(bed_frame_at(at(addr) + i * PAGE_SIZE, NULL), 0);
		assert_int_equal(is_large(at(addr) + i * PAGE_SIZE), i / FRAME_BLOCK < large_pages);
	}
	assert_int_equal(bed_frame_at(at(addr) + pages * PAGE_SIZE, NULL), 0);
}

static void blocks_first_then_pages(void **state)
{
	static const struct {
		u64 pages, large;
	} sizes[] = {{1, 0}, {511, 0}, {512, 1}, {513, 1}, {1024, 2}, {1500, 2}, {2048, 4}};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		void *a = vmalloc_huge(sizes[i].pages * PAGE_SIZE - 5);

		assert_non_null(a);
		if (sizes[i].large)
			assert_int_equal(at(a) % PMD_SIZE, 0);
		assert_mapped(a, sizes[i].large, sizes[i].pages);
		assert_int_equal(bed_frames_in_areas(),
				 sizes[i].pages + bed_chunks_of(sizes[i].pages));
		vfree(a);
		assert_int_equal(bed_frame_at(at(a), NULL), 0);
		assert_int_equal(bed_frames_in_areas(), 0);
	}
	assert_int_equal(vmalloc_stats().huge_pages, 1 + 1 + 2 + 2 + 4);
	assert_int_equal(vmalloc_stats().tables_replaced, 0); /* fresh addresses all the time */
	assert_null(vmalloc_huge(0));
	assert_null(vmalloc_huge(MEMORY));
	assert_null(vmalloc_huge(~0UL));
}

/* An address that 4 KiB pages have used has a table; the flush for it is one, and undeferred. */
static void a_table_in_the_way_is_replaced(void **state)
{
	void *a = vmalloc(1100 * PAGE_SIZE), *b;
	u64 tables;

	(void)state;
	assert_int_equal(at(a), VMALLOC_START);
	vfree(a);
	vm_unmap_aliases();
	assert_int_equal(bed_nr_flushes, 1);
	tables = bed_tables_made;
	b = vmalloc_huge(1025 * PAGE_SIZE);
	assert_ptr_equal(b, a);
	assert_mapped(b, 2, 1025);
	assert_int_equal(bed_pgtable_flushes, 2); /* the third table is used again */
	assert_int_equal(bed_tables_released, 2);
	assert_int_equal(bed_tables_made, tables);
	assert_int_equal(vmalloc_stats().tables_replaced, 2);
	vfree(b);
	assert_int_equal(bed_nr_flushes, 1);
	vm_unmap_aliases();
	assert_int_equal(bed_nr_flushes, 2); /* that one was deferrable */
	assert_int_equal(bed_flushes[1].start, at(b));
	assert_int_equal(bed_flushes[1].end, at(b) + 1026 * PAGE_SIZE);

	/* And back: small pages where the large ones were. */
	a = vmalloc(600 * PAGE_SIZE);
	assert_ptr_equal(a, b);
	assert_mapped(a, 0, 600);
	assert_int_equal(bed_tables_made, tables + 2);
	vfree(a);
	assert_int_equal(bed_pgtable_flushes, 2);
}

/* The last 2 MiB, in which it has a part only, are shared: their table stays. */
static void a_shared_table_stays(void **state)
{
	void *a = vmalloc(3000 * PAGE_SIZE), *b, *c;
	phys_addr_t frame = GIB(1);
	u64 tables;

	(void)state;
	vfree(a);
	vm_unmap_aliases();
	tables = bed_tables_made;
	b = vmalloc_huge(4 * PMD_SIZE + 300 * PAGE_SIZE);
	assert_ptr_equal(b, a);
	c = vmap_range(&frame, 1, PAGE_KERNEL, VMALLOC_START + 4 * PMD_SIZE,
		       VMALLOC_START + 5 * PMD_SIZE);
	assert_int_equal(at(c), at(b) + 4 * PMD_SIZE + 301 * PAGE_SIZE);
	assert_mapped(b, 4, 4 * FRAME_BLOCK + 300);
	assert_int_equal(bed_pgtable_flushes, 4);
	assert_int_equal(bed_tables_made, tables);
	vfree(b);
	vm_unmap_aliases();
	assert_int_equal(bed_frame_at(at(c), NULL), frame);
	vunmap(c);
}

static void hold_frames(u64 left)
{
	while (frame_counts().free > left)
		held[nr_held++] = frame_alloc();
}

/* Memory in pieces: no block, but pages enough. Then less and less of everything. */
static void without_blocks_it_takes_pages(void **state)
{
	void *a;

	(void)state;
	hold_frames(0);
	for (u64 i = 0, kept = 0; i < nr_held; i++) {
		if (i % 4 == 0 && i < 8000)
			frame_free(held[i]);
		else
			held[kept++] = held[i];
		if (i == nr_held - 1)
			nr_held = kept;
	}
	a = vmalloc_huge(1024 * PAGE_SIZE);
	assert_non_null(a);
	assert_mapped(a, 0, 1024);
	assert_int_equal(vmalloc_stats().huge_pages, 0);
	vfree(a);
	vm_unmap_aliases();
	for (unsigned int tables = 0; tables < 5; tables++) {
		for (u64 left = 1024; left < 1040; left++) {
			hold_frames(left);
			bed_tables_left = tables == 4 ? -1 : (int)tables;
			a = vmalloc_huge(1024 * PAGE_SIZE);
			bed_tables_left = -1;
			assert_int_equal(bed_frames_in_areas() - nr_held,
					 a ? 1024 + bed_chunks_of(1024) : 0);
			vfree(a);
			vm_unmap_aliases();
			bed_forget_flushes();
			while (nr_held > 4000)
				frame_free(held[--nr_held]);
		}
	}
}

static void no_2_mib_page_is_cut(void **state)
{
	void *a = vmalloc_huge(2 * PMD_SIZE);

	(void)state;
	assert_true(host_panics(vunmap_range(at(a), at(a) + PAGE_SIZE)));
	assert_non_null(strstr(host_panic_text, "would cut the 2 MiB page"));
	vunmap_range(at(a) + PMD_SIZE, at(a) + 2 * PMD_SIZE);
	assert_true(is_large(at(a)));
	assert_int_equal(bed_frame_at(at(a) + PMD_SIZE, NULL), 0);
	vfree(a);
}

/* Tables are replaced on addresses whose last flush nobody has executed, under quarantine too. */
static void with_quarantine_blocks_rest(void **state)
{
	void *a, *b;

	(void)state;
	bed_let_cpus_lag(true);
	a = vmalloc_huge(PMD_SIZE);
	vfree(a);
	vm_unmap_aliases();
	assert_int_equal(vmalloc_stats().held_frames, 512);
	b = vmalloc_huge(PMD_SIZE);
	assert_int_equal(at(b), at(a) + 2 * PMD_SIZE);
	bed_catch_up(0);
	vm_unmap_aliases();
	assert_int_equal(vmalloc_stats().held_frames, 0);
	vfree(b);
}

/* 4 KiB and 2 MiB mappings take turns at the same addresses. */
static void they_take_turns(void **state)
{
	void *live[12] = {0};
	u64 seed = 12345, replaced_before = 0, turns = 0;

	(void)state;
	bed_keep_flushes = false;
	for (unsigned int step = 0; step < 4000; step++) {
		unsigned int i;

		seed = seed * 6364136223846793005UL + 1442695040888963407UL;
		i = seed >> 33 & 0xf;
		if (i >= ARRAY_SIZE(live)) {
			vm_unmap_aliases();
		} else if (live[i]) {
			assert_int_equal(*(u64 *)phys_to_virt(bed_frame_at(at(live[i]), NULL)), i);
			vfree(live[i]);
			live[i] = NULL;
		} else {
			u64 pages = 1 + (seed >> 40) % 1300;

			live[i] = seed >> 60 & 1 ? vmalloc_huge(pages * PAGE_SIZE)
						 : vmalloc(pages * PAGE_SIZE);
			if (live[i])
				*(u64 *)phys_to_virt(bed_frame_at(at(live[i]), NULL)) = i;
		}
		turns += vmalloc_stats().tables_replaced != replaced_before;
		replaced_before = vmalloc_stats().tables_replaced;
	}
	assert_true(turns > 20);
	for (unsigned int i = 0; i < ARRAY_SIZE(live); i++)
		vfree(live[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(blocks_first_then_pages), TEST(a_table_in_the_way_is_replaced),
		TEST(a_shared_table_stays),    TEST(without_blocks_it_takes_pages),
		TEST(no_2_mib_page_is_cut),    TEST(with_quarantine_blocks_rest),
		TEST(they_take_turns),
	};

	return cmocka_run_group_tests_name("vmalloc_huge", tests, NULL, NULL);
}
