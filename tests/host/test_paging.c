// sources: arch/x86_64/paging*.c tests/host/bed_memory.c
/* SPDX-License-Identifier: MIT */
/*
 * Page tables against a model. The model is a flat array, one record a page, over windows chosen
 * where it hurts: both ends of user space, the seam between two PML4 slots, the vmalloc area, the
 * top of the address space. Random maps, unmaps and changes of flags are done to both; what is in
 * the tables is then read by a walker of this file, written from the SDM and used nowhere else.
 * Table frames come from this file too, so that it knows each one that is made or given back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/paging.h"
#include "tests/host/bed_memory.h"
#include "tests/host/host_log.h"

/* --- Table frames --- */

#define TABLE_FRAMES 4096

static unsigned char table_state[TABLE_FRAMES]; /* 0 never used, 1 in use, 2 given back */
static unsigned int tables_made, tables_released, leaf_frames_released;
static int tables_until_failure; /* -1: never */

phys_addr_t paging_alloc_table(void)
{
	if (tables_until_failure == 0)
		return 0;
	if (tables_until_failure > 0)
		tables_until_failure--;
	for (unsigned int i = 1; i < TABLE_FRAMES; i++) {
		if (table_state[i] == 1)
			continue;
		table_state[i] = 1;
		tables_made++;
		memset(phys_to_virt(i * PAGE_SIZE), 0, PAGE_SIZE);
		return i * PAGE_SIZE;
	}
	fail_msg("the test has too few table frames");
	return 0;
}

void paging_release_frame(phys_addr_t frame)
{
	u64 i = frame / PAGE_SIZE;

	if (i >= TABLE_FRAMES) {
		leaf_frames_released++;
		return;
	}
	assert_int_equal(table_state[i], 1);
	table_state[i] = 2;
	tables_released++;
	memset(phys_to_virt(frame), 0xee, PAGE_SIZE);
}

/* --- The test's own walker --- */

/*
 * The entry that translates VA by SDM Vol 3 4.5.4, or 0: bits 47:39, 38:30, 29:21, 20:12 select an
 * entry each, bit 0 says present, bit 7 of a directory entry says 2 MiB.
 */
static u64 raw_walk(phys_addr_t root, u64 va, bool *large, bool *has_page_table)
{
	const u64 *table = phys_to_virt(root);
	u64 entry = 0;

	*large = false;
	*has_page_table = false;
	for (int shift = 39; shift >= 12; shift -= 9) {
		entry = table[(va >> shift) % 512];
		if (!(entry & 1))
			return 0;
		if (shift == 21 && (entry & 0x80)) {
			*large = true;
			return entry;
		}
		if (shift == 21)
			*has_page_table = true;
		if (shift > 12)
			table = phys_to_virt(entry & 0x000ffffffffff000UL);
	}
	return entry;
}

/* --- The model --- */

#define SLOTS	   4 /* 2 MiB slots in a window */
#define SLOT_PAGES 512
#define PAGES	   (SLOTS * SLOT_PAGES)

struct window {
	u64 base;
	u64 entry[PAGES];  /* frame | flags of each page as for 4 KiB, 0: not mapped */
	bool large[SLOTS]; /* mapped by one 2 MiB entry */
	bool table[SLOTS]; /* has a page table, which stays */
};

static struct window windows[] = {
	{.base = 0},
	{.base = USER_END - (USER_END % PMD_SIZE) - 3 * PMD_SIZE},
	{.base = (1UL << 39) - 2 * PMD_SIZE},
	{.base = DIRECT_MAP_BASE + GIB(5) - 2 * PMD_SIZE},
	{.base = VMALLOC_START + (1UL << 39) - 2 * PMD_SIZE},
	{.base = VMALLOC_END - SLOTS * PMD_SIZE},
	{.base = KERNEL_BASE},
	{.base = IO_END - (IO_END % PMD_SIZE) - SLOTS * PMD_SIZE},
};

static phys_addr_t root;

/* What really happened in the random test. */
static struct {
	unsigned int mapped, large, refused, ran_dry, cleared, cleared_large, cuts, changed, splits;
	unsigned int leaves, owned;
} done;

static unsigned int seed = 1;

static unsigned int rnd(unsigned int below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % below;
}

static void verify(const struct window *w)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		u64 va = w->base + i * PAGE_SIZE;
		bool large, has_table;
		u64 raw = raw_walk(root, va, &large, &has_table);
		u64 flags = 0;
		phys_addr_t pa = 0;

		assert_int_equal(large, w->large[i / SLOT_PAGES]);
		if (large) {
			assert_int_equal(raw & 0x1ff000, 0);
			raw = (raw & ~0x80UL) + i % SLOT_PAGES * PAGE_SIZE;
		}
		assert_int_equal(raw, w->entry[i]);
		assert_int_equal(walk(root, va + 0x123, &pa, &flags), raw != 0);
		if (raw) {
			assert_int_equal(pa, (raw & PTE_ADDR_MASK) + 0x123);
			/* Tables below a kernel slot never grant USER, others do. */
			assert_int_equal(flags,
					 (raw & ~PTE_ADDR_MASK & ~(va >> 63 ? PTE_USER : 0)));
		}
	}
}

static u64 random_flags(void)
{
	static const u64 bits[] = {PTE_WRITE, PTE_USER,	 PTE_PWT,    PTE_PCD, PTE_ACCESSED,
				   PTE_DIRTY, PTE_OWNED, PTE_GLOBAL, PTE_NX};
	u64 flags = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(bits); i++)
		flags |= rnd(2) ? bits[i] : 0;
	return flags;
}

/* Picks first page and count, often at the edges of slots. */
static void random_span(unsigned int *first, unsigned int *count)
{
	*first = rnd(2) ? rnd(PAGES) : rnd(SLOTS) * SLOT_PAGES;
	switch (rnd(4)) {
	case 0:
		*count = 1 + rnd(PAGES - *first);
		break;
	case 1:
		*count = 1 + rnd(8);
		break;
	case 2:
		*count = SLOT_PAGES;
		break;
	default:
		*count = SLOT_PAGES * (1 + rnd(2)) + rnd(3);
	}
	if (*count > PAGES - *first)
		*count = PAGES - *first;
}

/* What page I's slot has by way of a page table is read back after a call that ran dry. */
static void resync_tables(struct window *w)
{
	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		bool large;

		raw_walk(root, w->base + slot * PMD_SIZE, &large, &w->table[slot]);
	}
}

static int model_map(struct window *w, unsigned int first, unsigned int count, phys_addr_t pa,
		     u64 flags, bool large_ok)
{
	u64 before[PAGES];
	bool large_before[SLOTS];
	unsigned int i = first;

	memcpy(before, w->entry, sizeof(before));
	memcpy(large_before, w->large, sizeof(large_before));
	while (i < first + count) {
		unsigned int slot = i / SLOT_PAGES;
		u64 entry = (pa + (i - first) * PAGE_SIZE) | flags | PTE_PRESENT;
		bool large = large_ok && i % SLOT_PAGES == 0 && first + count - i >= SLOT_PAGES &&
			     (entry & 0x1ff000) == 0 && !w->table[slot] && !w->large[slot];

		if (!large && !w->large[slot])
			w->table[slot] = true;
		if (!large && w->entry[i]) {
			memcpy(w->entry, before, sizeof(before));
			memcpy(w->large, large_before, sizeof(large_before));
			return -EEXIST;
		}
		w->large[slot] = large;
		for (unsigned int n = large ? SLOT_PAGES : 1; n; n--, i++, entry += PAGE_SIZE)
			w->entry[i] = entry;
	}
	return 0;
}

static void random_map(struct window *w)
{
	u64 flags = random_flags();
	bool large_ok = rnd(2);
	unsigned int first, count;
	phys_addr_t pa;
	int result, expected;
	struct window undo = *w;

	random_span(&first, &count);
	pa = GIB(1) + (rnd(2) ? rnd(100000) * PAGE_SIZE
			      : rnd(1000) * PMD_SIZE + first % SLOT_PAGES * PAGE_SIZE);
	tables_until_failure = rnd(4) ? -1 : (int)rnd(3);
	if (count == 1 && !large_ok)
		result = map_page(root, w->base + first * PAGE_SIZE, pa, flags);
	else
		result = map_range(root, w->base + first * PAGE_SIZE, pa, count * PAGE_SIZE,
				   flags | (large_ok ? MAP_LARGE_OK : 0));
	if (result == -ENOMEM) {
		assert_int_equal(tables_until_failure, 0);
		*w = undo;
		resync_tables(w);
		done.ran_dry++;
	} else {
		expected = model_map(w, first, count, pa, flags, large_ok);
		assert_int_equal(result, expected);
		done.mapped += !result;
		done.refused += result != 0;
		for (unsigned int slot = 0; slot < SLOTS; slot++)
			done.large += w->large[slot] && !undo.large[slot];
	}
	tables_until_failure = -1;
}

static bool cuts_large(const struct window *w, unsigned int page)
{
	return page < PAGES && page % SLOT_PAGES && w->large[page / SLOT_PAGES];
}

static void random_unmap(struct window *w)
{
	unsigned int first, count, released = tables_released;
	u64 start, end;
	volatile u64 cleared = 0;
	u64 expected = 0;

	random_span(&first, &count);
	start = w->base + first * PAGE_SIZE;
	end = start + count * PAGE_SIZE;
	if (cuts_large(w, first) || cuts_large(w, first + count)) {
		/* Panics, but not before it may have cleared what lies in front. */
		if (!cuts_large(w, first))
			return;
		assert_true(host_panics(unmap_range_noflush(root, start, end)));
		assert_non_null(strstr(host_panic_text, "would cut the 2 MiB page"));
		done.cuts++;
		return;
	}
	cleared = unmap_range_noflush(root, start, end);
	for (unsigned int i = first; i < first + count; i++) {
		bool large = w->large[i / SLOT_PAGES];

		if (w->entry[i] && (!large || i % SLOT_PAGES == 0))
			expected++;
		w->entry[i] = 0;
	}
	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		if (w->large[slot] && !w->entry[slot * SLOT_PAGES]) {
			w->large[slot] = false;
			done.cleared_large++;
		}
	}
	assert_int_equal(cleared, expected);
	done.cleared += expected;
	assert_int_equal(tables_released, released);
}

static void random_change(struct window *w)
{
	u64 set = random_flags(), clear = random_flags() & ~set;
	unsigned int first, count, i;
	int result;

	random_span(&first, &count);
	for (i = first; i < first + count && w->entry[i]; i++)
		continue;
	if (i == first && count > 1)
		return; /* nearly always unmapped: only now and then worth a try */
	tables_until_failure = rnd(4) ? -1 : 0;
	result = change_flags(root, w->base + first * PAGE_SIZE, count * PAGE_SIZE, set, clear);
	if (i < first + count) {
		assert_int_equal(result, -ENOENT);
	} else if (tables_until_failure == 0 &&
		   (cuts_large(w, first) || cuts_large(w, first + count))) {
		assert_int_equal(result, -ENOMEM);
	} else {
		assert_int_equal(result, 0);
		if (cuts_large(w, first)) {
			w->large[first / SLOT_PAGES] = false;
			w->table[first / SLOT_PAGES] = true;
			done.splits++;
		}
		if (cuts_large(w, first + count)) {
			w->large[(first + count) / SLOT_PAGES] = false;
			w->table[(first + count) / SLOT_PAGES] = true;
			done.splits++;
		}
		done.changed++;
		for (i = first; i < first + count; i++)
			w->entry[i] = (w->entry[i] & ~clear) | set;
	}
	tables_until_failure = -1;
}

static int set_up(void **state)
{
	(void)state;
	fake_memory_init(TABLE_FRAMES * PAGE_SIZE);
	memset(table_state, 0, sizeof(table_state));
	tables_until_failure = -1;
	tables_made = tables_released = leaf_frames_released = 0;
	paging_supported_flags = ~0UL;
	root = paging_alloc_table();
	for (unsigned int i = 0; i < ARRAY_SIZE(windows); i++) {
		u64 base = windows[i].base;

		memset(&windows[i], 0, sizeof(windows[i]));
		windows[i].base = base;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fake_memory_free();
	return 0;
}

/* --- Tests --- */

static unsigned int owned_asked, owned_said_yes;

static bool owned_by_flag(void *ctx, u64 va, phys_addr_t pa, u64 flags)
{
	assert_ptr_equal(ctx, windows);
	assert_false(va >> 63);
	assert_true(pa >= GIB(1));
	owned_asked++;
	if (flags & PTE_OWNED)
		owned_said_yes++;
	return flags & PTE_OWNED;
}

/* The user half goes: every table below slots 0..255, and exactly the owned frames. */
static void end_user_half(void)
{
	unsigned int leaves = 0, owned = 0, tables = tables_made;

	for (unsigned int i = 0; i < ARRAY_SIZE(windows); i++) {
		const struct window *w = &windows[i];

		for (unsigned int page = 0; page < PAGES; page++) {
			if (!w->entry[page] || w->base >> 63)
				continue;
			leaves += !w->large[page / SLOT_PAGES] || page % SLOT_PAGES == 0;
			owned += (w->entry[page] & PTE_OWNED) != 0;
		}
	}
	owned_asked = owned_said_yes = 0;
	paging_free_user_tables(root, owned_by_flag, windows);
	assert_int_equal(owned_asked, leaves);
	assert_int_equal(leaf_frames_released, owned);
	done.leaves += leaves;
	done.owned += owned;
	for (unsigned int i = 0; i < ARRAY_SIZE(windows); i++) {
		if (!(windows[i].base >> 63)) {
			memset(windows[i].entry, 0, sizeof(windows[i].entry));
			memset(windows[i].large, 0, sizeof(windows[i].large));
		}
		verify(&windows[i]);
	}
	/* Each one given back is gone, each other one is still in use. */
	for (unsigned int i = 1; i < TABLE_FRAMES; i++)
		tables -= table_state[i] != 0;
	assert_int_equal(tables, 0);
	for (unsigned int i = 0; i < 256; i++)
		assert_int_equal(((u64 *)phys_to_virt(root))[i], 0);
}

static void random_operations_agree_with_the_model(void **state)
{
	memset(&done, 0, sizeof(done));
	for (unsigned int round = 0; round < 200; round++) {
		set_up(state);
		for (unsigned int step = 0; step < 400; step++) {
			struct window *w = &windows[rnd(ARRAY_SIZE(windows))];
			unsigned int what = rnd(10);

			if (what < 5)
				random_map(w);
			else if (what < 7)
				random_unmap(w);
			else
				random_change(w);
			if (step % 8 == 0)
				verify(w);
		}
		assert_int_equal(tables_released, 0);
		for (unsigned int i = 0; i < ARRAY_SIZE(windows); i++)
			verify(&windows[i]);
		end_user_half();
	}
	/* Nothing of this agreed because it never happened. */
	assert_true(done.mapped > 1000);
	assert_true(done.large > 200);
	assert_true(done.refused > 1000);
	assert_true(done.ran_dry > 100);
	assert_true(done.cleared > 10000);
	assert_true(done.cleared_large > 50);
	assert_true(done.cuts > 20);
	assert_true(done.changed > 200);
	assert_true(done.splits > 50);
	assert_true(done.leaves > 1000);
	assert_true(done.owned > 1000);
}

static void bad_arguments_are_refused(void **state)
{
	const u64 va = VMALLOC_START;

	(void)state;
	assert_int_equal(map_page(root, va + 1, 0, 0), -EINVAL);
	assert_int_equal(map_page(root, va, 0x800, 0), -EINVAL);
	assert_int_equal(map_page(root, 0x0000800000000000, 0, 0), -EINVAL);
	assert_int_equal(map_page(root, 0xffff7ffffffff000, 0, 0), -EINVAL);
	assert_int_equal(map_page(root, va, BIT(52), 0), -EINVAL);
	assert_int_equal(map_page(root, va, 0, PTE_LARGE), -EINVAL);
	assert_int_equal(map_page(root, va, 0, MAP_LARGE_OK), -EINVAL);
	assert_int_equal(map_page(root, va, 0, BIT(59)), -EINVAL);
	assert_int_equal(map_range(root, va, 0, 0, 0), -EINVAL);
	assert_int_equal(map_range(root, va, 0, 0x1800, 0), -EINVAL);
	assert_int_equal(map_range(root, USER_END, 0, 2 * PAGE_SIZE, 0), -EINVAL);
	assert_int_equal(map_range(root, 0UL - PAGE_SIZE, 0, 2 * PAGE_SIZE, 0), -EINVAL);
	assert_int_equal(map_range(root, va, PTE_ADDR_MASK, 2 * PAGE_SIZE, 0), -EINVAL);
	assert_int_equal(map_range(root, va, PTE_ADDR_MASK, PAGE_SIZE, 0), 0);
	assert_int_equal(change_flags(root, va, 0, PTE_WRITE, 0), -EINVAL);
	assert_int_equal(change_flags(root, va, PAGE_SIZE, PTE_PRESENT, 0), -EINVAL);
	assert_int_equal(change_flags(root, va, PAGE_SIZE, 0, PTE_PRESENT), -EINVAL);
	assert_int_equal(change_flags(root, va, PAGE_SIZE, PTE_LARGE, 0), -EINVAL);
	assert_int_equal(change_flags(root, va, PAGE_SIZE, PTE_NX, PTE_NX), -EINVAL);
	assert_int_equal(change_flags(root, va + 8, PAGE_SIZE, PTE_NX, 0), -EINVAL);
	assert_false(walk(root, 0x0000800000000000, NULL, NULL));
	assert_true(host_panics(unmap_range_noflush(root, va + 1, va + PAGE_SIZE)));
	assert_true(host_panics(unmap_range_noflush(root, va, va - PAGE_SIZE)));
	assert_int_equal(unmap_range_noflush(root, va, va), 0);
}

static void a_present_entry_stays(void **state)
{
	phys_addr_t pa = 0;

	(void)state;
	assert_int_equal(map_page(root, VMALLOC_START, 0x5000, PAGE_KERNEL), 0);
	assert_int_equal(map_page(root, VMALLOC_START, 0x6000, PAGE_KERNEL), -EEXIST);
	assert_true(walk(root, VMALLOC_START, &pa, NULL));
	assert_int_equal(pa, 0x5000);
}

static void a_large_page_is_not_cut(void **state)
{
	const u64 va = VMALLOC_START + PMD_SIZE;

	(void)state;
	assert_int_equal(map_range(root, va, MIB(4), PMD_SIZE, MAP_LARGE_OK), 0);
	assert_true(host_panics(unmap_range_noflush(root, va, va + PAGE_SIZE)));
	assert_true(host_panics(unmap_range_noflush(root, va - PAGE_SIZE, va + PAGE_SIZE)));
	assert_true(host_panics(unmap_range_noflush(root, va + PAGE_SIZE, va + PMD_SIZE)));
	assert_true(walk(root, va, NULL, NULL));
	assert_int_equal(unmap_range_noflush(root, va - PAGE_SIZE, va + PMD_SIZE + PAGE_SIZE), 1);
	assert_false(walk(root, va, NULL, NULL));
}

static void lookup_finds_the_leaf(void **state)
{
	unsigned int level = 9;
	pte_t *pte;

	(void)state;
	assert_null(lookup_pte(root, KERNEL_BASE, &level));
	assert_null(lookup_pte(root, 0x0000900000000000, &level));
	assert_int_equal(map_page(root, KERNEL_BASE, 0x7000, PTE_WRITE), 0);
	pte = lookup_pte(root, KERNEL_BASE + 0xfff, &level);
	assert_int_equal(level, 1);
	assert_int_equal(*pte, 0x7003);
	pte = lookup_pte(root, KERNEL_BASE + PAGE_SIZE, &level);
	assert_int_equal(level, 1);
	assert_int_equal(*pte, 0);
	assert_int_equal(map_range(root, KERNEL_BASE + PMD_SIZE, MIB(6), PMD_SIZE, MAP_LARGE_OK),
			 0);
	pte = lookup_pte(root, KERNEL_BASE + PMD_SIZE + 0x12345, &level);
	assert_int_equal(level, 2);
	assert_int_equal(*pte, MIB(6) | 0x81);
}

static void a_cpu_without_nx_and_global_pages(void **state)
{
	unsigned int level;

	(void)state;
	paging_supported_flags = ~(PTE_NX | PTE_GLOBAL);
	assert_int_equal(map_page(root, VMALLOC_START, 0x5000, PAGE_KERNEL), 0);
	assert_int_equal(*lookup_pte(root, VMALLOC_START, &level),
			 0x5000 | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY);
	assert_int_equal(change_flags(root, VMALLOC_START, PAGE_SIZE, PTE_NX, PTE_WRITE), 0);
	assert_int_equal(*lookup_pte(root, VMALLOC_START, &level),
			 0x5000 | PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY);
	assert_int_equal(map_range(root, KERNEL_BASE, MIB(2), PMD_SIZE, PAGE_KERNEL | MAP_LARGE_OK),
			 0);
	assert_int_equal(*lookup_pte(root, KERNEL_BASE, &level),
			 MIB(2) | PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY | PTE_LARGE);
}

/* Rights of one level alone are not rights: a table without WRITE, a table with NX. */
static void walk_joins_the_rights_of_all_levels(void **state)
{
	u64 *pml4 = phys_to_virt(root);
	u64 flags = 0;

	(void)state;
	assert_int_equal(map_page(root, PAGE_SIZE, 0x5000, PTE_WRITE | PTE_USER), 0);
	assert_true(walk(root, PAGE_SIZE, NULL, &flags));
	assert_int_equal(flags, PTE_PRESENT | PTE_WRITE | PTE_USER);
	pml4[0] = (pml4[0] & ~(PTE_WRITE | PTE_USER)) | PTE_NX;
	assert_true(walk(root, PAGE_SIZE, NULL, &flags));
	assert_int_equal(flags, PTE_PRESENT | PTE_NX);
}

static void preallocation_fills_every_slot_of_the_range(void **state)
{
	u64 *pml4 = phys_to_virt(root);
	unsigned int filled = 0;

	(void)state;
	tables_until_failure = 10;
	assert_int_equal(paging_preallocate(root, VMALLOC_START, VMALLOC_END), -ENOMEM);
	tables_until_failure = -1;
	assert_int_equal(paging_preallocate(root, VMALLOC_START, VMALLOC_END), 0);
	for (unsigned int i = 0; i < 512; i++) {
		assert_int_equal(pml4[i] & 1, i >= 402 && i < 466);
		filled += pml4[i] & 1;
	}
	assert_int_equal(filled, 64);
	assert_int_equal(tables_made, 1 + 64);

	/* A root that copied the upper half sees what is mapped later. */
	phys_addr_t copy = paging_alloc_table();
	memcpy(phys_to_virt(copy), phys_to_virt(root), PAGE_SIZE);
	assert_int_equal(map_page(root, VMALLOC_END - PAGE_SIZE, 0x5000, PAGE_KERNEL), 0);
	assert_true(walk(copy, VMALLOC_END - PAGE_SIZE, NULL, NULL));
	assert_int_equal(paging_preallocate(root, IO_BASE, IO_END), 0);
	assert_int_equal(pml4[511] & 1, 1);
}

static void r1_refuses_to_free_a_vmalloc_table(void **state)
{
	phys_addr_t table = paging_alloc_table();

	(void)state;
	assert_true(host_panics(paging_free_table(table, VMALLOC_START, true)));
	assert_non_null(strstr(host_panic_text, "R1"));
	assert_true(host_panics(paging_free_table(table, VMALLOC_END - 1, true)));
	assert_int_equal(tables_released, 0);

	/* Without deferral, and outside of the area, it is an ordinary page. */
	paging_free_table(table, VMALLOC_START, false);
	paging_free_table(paging_alloc_table(), VMALLOC_START - 1, true);
	paging_free_table(paging_alloc_table(), VMALLOC_END, true);
	paging_free_table(paging_alloc_table(), 0, true);
	assert_int_equal(tables_released, 4);

	/* A user root ends while the vmalloc area beside it stays. */
	assert_int_equal(map_page(root, VMALLOC_START, 0x5000, PAGE_KERNEL), 0);
	assert_int_equal(map_page(root, USER_END - PAGE_SIZE, GIB(1), PTE_USER), 0);
	assert_int_equal(map_range(root, GIB(1), GIB(2), PMD_SIZE, MAP_LARGE_OK), 0);
	tables_released = 0;
	paging_free_user_tables(root, NULL, NULL);
	assert_int_equal(tables_released, 3 + 2);
	assert_int_equal(leaf_frames_released, 0);
	assert_false(walk(root, USER_END - PAGE_SIZE, NULL, NULL));
	assert_true(walk(root, VMALLOC_START, NULL, NULL));
}

/* A 2 MiB page takes the place of an empty page table, and of no other. */
static void an_empty_table_makes_room_for_a_large_page(void **state)
{
	const u64 va = VMALLOC_START + 5 * PMD_SIZE;
	unsigned int level, made;
	phys_addr_t table, pa;
	u64 last = va + PMD_SIZE - PAGE_SIZE;
	bool large, has_table;

	(void)state;
	assert_int_equal(paging_unlink_table(root, va), 0); /* no table on the way */
	assert_int_equal(map_page(root, va + PMD_SIZE, 0x9000, PAGE_KERNEL), 0);
	assert_int_equal(paging_unlink_table(root, va), 0); /* nothing at level 2 */
	assert_int_equal(map_page(root, last, 0x5000, PAGE_KERNEL), 0);
	assert_true(host_panics(table = paging_unlink_table(root, va)));
	assert_non_null(
		strstr(host_panic_text, "is to be replaced, but ffffc90000bff000 is mapped"));
	assert_true(host_panics(table = paging_unlink_table(root, va + PAGE_SIZE)));
	assert_int_equal(unmap_range_noflush(root, last, last + PAGE_SIZE), 1);
	*lookup_pte(root, va, &level) = PTE_ACCESSED; /* as a probe may leave it: not present */

	made = tables_made;
	table = paging_unlink_table(root, va);
	assert_int_equal(table_state[table / PAGE_SIZE], 1);
	assert_int_equal(tables_released, 0);
	assert_null(lookup_pte(root, va, &level));
	raw_walk(root, va, &large, &has_table);
	assert_false(has_table);
	assert_int_equal(paging_unlink_table(root, va), 0);
	assert_true(host_panics(paging_free_table(table, va, true)));
	paging_free_table(table, va, false);
	assert_int_equal(tables_released, 1);
	assert_int_equal(map_range(root, va, MIB(8), PMD_SIZE, PAGE_KERNEL | MAP_LARGE_OK), 0);
	assert_int_equal(raw_walk(root, last, &large, &has_table) & PTE_LARGE_ADDR_MASK, MIB(8));
	assert_true(large);
	assert_int_equal(tables_made, made);
	assert_int_equal(paging_unlink_table(root, va), 0); /* a leaf is no table */

	/* The neighbour in the same directory has noticed nothing. */
	assert_true(walk(root, va + PMD_SIZE, &pa, NULL));
	assert_int_equal(pa, 0x9000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_operations_agree_with_the_model, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(bad_arguments_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_present_entry_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_large_page_is_not_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lookup_finds_the_leaf, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_cpu_without_nx_and_global_pages, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(walk_joins_the_rights_of_all_levels, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(preallocation_fills_every_slot_of_the_range, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(r1_refuses_to_free_a_vmalloc_table, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(an_empty_table_makes_room_for_a_large_page, set_up,
						tear_down),
	};

	return cmocka_run_group_tests_name("paging", tests, NULL, NULL);
}
