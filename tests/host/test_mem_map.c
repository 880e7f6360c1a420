// sources: boot/mem_map.c
/* SPDX-License-Identifier: MIT */
/*
 * The memory map against a second opinion: a small address space is painted cell by cell with the
 * strongest kind, in a table of cases by hand and then for thousands of random maps; what the map
 * says of each cell must be what was painted, in the fewest ranges that can say it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/mem_map.h"

#define TOP (1ULL << 52)

static struct mem_map map;

struct given {
	u64 base, len;
	u32 type;
};

static void empty_map(void)
{
	memset(&map, 0, sizeof(map));
}

static const char *resolve(const struct given *given, size_t nr)
{
	empty_map();
	for (size_t i = 0; i < nr; i++) {
		const char *error = mem_map_add(&map, given[i].base, given[i].len, given[i].type);

		if (error)
			return error;
	}
	return mem_map_resolve(&map);
}

static void maps_by_hand(void **state)
{
	static const struct {
		const char *what;
		struct given given[8];
		struct mem_range expected[8];
		u32 dropped;
	} cases[] = {
		{"one range", {{0x1000, 0x2000, 1}}, {{0x1000, 0x2000, MEM_RAM}}, 0},
		{"every type",
		 {{0x0, 0x10, 1},
		  {0x10, 0x10, 2},
		  {0x20, 0x10, 3},
		  {0x30, 0x10, 4},
		  {0x40, 0x10, 5},
		  {0x50, 0x10, 7},
		  {0x70, 0x10, 0xffffffff}},
		 {{0x0, 0x10, MEM_RAM},
		  {0x10, 0x10, MEM_RESERVED},
		  {0x20, 0x10, MEM_ACPI_RECLAIMABLE},
		  {0x30, 0x10, MEM_ACPI_NVS},
		  {0x40, 0x10, MEM_BAD},
		  {0x50, 0x10, MEM_RESERVED},
		  {0x70, 0x10, MEM_RESERVED}},
		 0},
		{"unsorted, touching: joined",
		 {{0x3000, 0x1000, 1}, {0x1000, 0x1000, 1}, {0x2000, 0x1000, 1}},
		 {{0x1000, 0x3000, MEM_RAM}},
		 0},
		{"a hole stays a hole",
		 {{0, 0x1000, 1}, {0x1001, 0xfff, 1}},
		 {{0, 0x1000, MEM_RAM}, {0x1001, 0xfff, MEM_RAM}},
		 0},
		{"reserved within RAM",
		 {{0, 0x10000, 1}, {0x4000, 0x1000, 2}},
		 {{0, 0x4000, MEM_RAM}, {0x4000, 0x1000, MEM_RESERVED}, {0x5000, 0xb000, MEM_RAM}},
		 0},
		{"RAM within reserved, named later",
		 {{0x100000, 0x1000, 1}, {0, 0x10000, 2}, {0x4000, 0x1000, 1}},
		 {{0, 0x10000, MEM_RESERVED}, {0x100000, 0x1000, MEM_RAM}},
		 0},
		{"the same twice", {{0, 9, 1}, {0, 9, 1}}, {{0, 9, MEM_RAM}}, 0},
		{"the same with two kinds: then there is no RAM but the other range",
		 {{0, 9, 1}, {0, 9, 4}, {9, 1, 1}},
		 {{0, 9, MEM_ACPI_NVS}, {9, 1, MEM_RAM}},
		 0},
		{"bad over reserved over NVS over reclaimable over RAM",
		 {{0, 50, 1}, {10, 40, 3}, {20, 30, 4}, {30, 20, 2}, {40, 10, 5}},
		 {{0, 10, MEM_RAM},
		  {10, 10, MEM_ACPI_RECLAIMABLE},
		  {20, 10, MEM_ACPI_NVS},
		  {30, 10, MEM_RESERVED},
		  {40, 10, MEM_BAD}},
		 0},
		{"empty, wrapping and unreachable ranges are dropped",
		 {{5, 0, 2},
		  {~0ULL, 2, 2},
		  {1, ~0ULL, 2},
		  {TOP, 1, 1},
		  {TOP - 1, 2, 1},
		  {~0ULL - 4095, 4096, 2},
		  {TOP - 1, 1, 1}},
		 {{TOP - 1, 1, MEM_RAM}},
		 6},
		{"the whole of it", {{0, TOP, 1}}, {{0, TOP, MEM_RAM}}, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t given = 0, expected = 0;

		while (given < 8 && (cases[i].given[given].len || cases[i].given[given].base))
			given++;
		while (expected < 8 && cases[i].expected[expected].len)
			expected++;
		print_message("# %s\n", cases[i].what);
		assert_null(resolve(cases[i].given, given));
		assert_int_equal(map.dropped, cases[i].dropped);
		assert_int_equal(map.nr, expected);
		for (size_t k = 0; k < expected; k++) {
			assert_int_equal(map.range[k].base, cases[i].expected[k].base);
			assert_int_equal(map.range[k].len, cases[i].expected[k].len);
			assert_int_equal(map.range[k].kind, cases[i].expected[k].kind);
		}
	}
}

#define CELLS 200
#define HOLE  -1

static void random_maps_agree_with_painted_cells(void **state)
{
	static const int strength[] = {[1] = MEM_RAM,
				       [2] = MEM_RESERVED,
				       [3] = MEM_ACPI_RECLAIMABLE,
				       [4] = MEM_ACPI_NVS,
				       [5] = MEM_BAD};
	u32 rounds_with_ram = 0;

	(void)state;
	srand(20);
	for (int round = 0; round < 5000; round++) {
		struct given given[64];
		int cell[CELLS], said[CELLS];
		int nr = 1 + rand() % 64, expected_ranges = 0;
		bool ram = false;

		for (int c = 0; c < CELLS; c++)
			cell[c] = said[c] = HOLE;
		for (int i = 0; i < nr; i++) {
			int base = rand() % CELLS, len = rand() % 30, type = 1 + rand() % 5;

			given[i] = (struct given){(u64)base, (u64)len, (u32)type};
			for (int c = base; c < base + len && c < CELLS; c++)
				cell[c] = max(cell[c], strength[type]);
			if (base + len > CELLS)
				given[i].len = (u64)(CELLS - base);
		}
		for (int c = 0; c < CELLS; c++) {
			ram |= cell[c] == MEM_RAM;
			if (cell[c] != HOLE && (c == 0 || cell[c - 1] != cell[c]))
				expected_ranges++;
		}
		if (!ram) {
			assert_string_equal(resolve(given, (size_t)nr), "memory map: no RAM in it");
			continue;
		}
		rounds_with_ram++;
		assert_null(resolve(given, (size_t)nr));
		assert_int_equal(map.nr, expected_ranges);
		for (u32 i = 0; i < map.nr; i++) {
			if (i)
				assert_true(map.range[i].base >=
					    map.range[i - 1].base + map.range[i - 1].len);
			for (u64 c = map.range[i].base; c < map.range[i].base + map.range[i].len;
			     c++)
				said[c] = (int)map.range[i].kind;
		}
		assert_memory_equal(said, cell, sizeof(cell));
	}
	assert_true(rounds_with_ram > 1000);
}

static void maps_without_ram_are_refused(void **state)
{
	static const struct given reserved = {0, 0x1000, 2};

	(void)state;
	assert_string_equal(resolve(NULL, 0), "memory map: no RAM in it");
	assert_string_equal(resolve(&reserved, 1), "memory map: no RAM in it");
}

static void the_257th_range_is_refused(void **state)
{
	(void)state;
	empty_map();
	for (u64 i = 0; i < 256; i++)
		assert_null(mem_map_add(&map, i * 0x2000, 0x1000, 1));
	/* What is dropped needs no room. */
	assert_null(mem_map_add(&map, 0, 0, 1));
	assert_string_equal(mem_map_add(&map, 0x9000000, 0x1000, 1),
			    "memory map: more than 256 ranges");
	assert_null(mem_map_resolve(&map));
	assert_int_equal(map.nr, 256);
}

/* 255 reserved islands in one sea of RAM make 511 ranges out of 256. */
static void overlaps_that_multiply_are_refused(void **state)
{
	(void)state;
	empty_map();
	assert_null(mem_map_add(&map, 0, 0x1000000, 1));
	for (u64 i = 0; i < 255; i++)
		assert_null(mem_map_add(&map, i * 0x2000 + 0x1000, 0x1000, 2));
	assert_string_equal(mem_map_resolve(&map),
			    "memory map: more than 256 ranges once overlaps are resolved");
}

static void ram_is_asked_for_exactly(void **state)
{
	static const struct given given[] = {{0x1000, 0x3000, 1},
					     {0x4000, 0x1000, 2},
					     {0x5000, 0x1000, 1},
					     {TOP - 0x1000, 0x1000, 1}};
	static const struct {
		u64 base, len;
		bool ram;
	} cases[] = {
		{0x1000, 0x3000, true},
		{0x1000, 0x3001, false},
		{0xfff, 2, false},
		{0x3fff, 1, true},
		{0x3fff, 2, false},
		{0x4000, 1, false},
		{0x1000, ~0ULL, false},
		{~0ULL, 2, false},
		{0x2000, 0, true},
		{0x8000, 0, false},
		{TOP - 0x1000, 0x1000, true},
		{TOP - 1, 2, false},
		{0x3000, 0x3000, false},
	};

	(void)state;
	assert_null(resolve(given, ARRAY_SIZE(given)));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(mem_map_is_ram(&map, cases[i].base, cases[i].len), cases[i].ram);
}

/* What the raw map held behind the end of the resolved one is not asked. */
static void joined_ranges_leave_nothing_behind(void **state)
{
	static const struct given given[] = {{0x5000, 0x1000, 1}, {0, 0x2000, 2}, {0, 0x2000, 1}};

	(void)state;
	assert_null(resolve(given, ARRAY_SIZE(given)));
	assert_int_equal(map.nr, 2);
	assert_false(mem_map_is_ram(&map, 0, 0x1000));
	assert_true(mem_map_is_ram(&map, 0x5000, 0x1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_by_hand),
		cmocka_unit_test(random_maps_agree_with_painted_cells),
		cmocka_unit_test(maps_without_ram_are_refused),
		cmocka_unit_test(the_257th_range_is_refused),
		cmocka_unit_test(overlaps_that_multiply_are_refused),
		cmocka_unit_test(ram_is_asked_for_exactly),
		cmocka_unit_test(joined_ranges_leave_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
