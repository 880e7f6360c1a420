// sources: boot/pvh.c boot/boot_info.c boot/mem_map.c
/* SPDX-License-Identifier: MIT */
/*
 * The PVH parser, on a physical memory that consists of a few regions and nothing between them.
 * Each mapping is a fresh copy of exactly the bytes asked for, freed when the next is asked for, so
 * that AddressSanitizer sees what is read outside a mapping or after its time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/pvh.h"
#include "tests/host/boot_bytes.h"

#define MAX_REGIONS 8

struct region {
	phys_addr_t phys;
	const u8 *bytes;
	size_t len;
};

static const struct region *memory;
static void *mapping;
static struct boot_info info;

static const void *map(phys_addr_t phys, size_t len)
{
	free(mapping);
	mapping = NULL;
	assert_true(len > 0 && phys + len > phys);
	for (int i = 0; i < MAX_REGIONS && memory[i].len; i++) {
		const struct region *r = &memory[i];

		if (phys < r->phys || phys - r->phys > r->len || len > r->len - (phys - r->phys))
			continue;
		mapping = malloc(len);
		memcpy(mapping, r->bytes + (phys - r->phys), len);
		return mapping;
	}
	return NULL;
}

static const char *parse(phys_addr_t start, const struct region *regions)
{
	const char *error;

	memory = regions;
	memset(&info, 0xa5, sizeof(info));
	error = pvh_parse(start, map, &info);
	free(mapping);
	mapping = NULL;
	return error;
}

static void assert_same(const char *actual, const char *expected)
{
	assert_string_equal(actual ? actual : "no error", expected ? expected : "no error");
}

#define MAGIC 0x336ec578
#define START(version, nr_modules, modules, cmdline, rsdp, map, map_entries)                       \
	U32(MAGIC), U32(version), U32(0), U32(nr_modules), U64(modules), U64(cmdline), U64(rsdp),  \
		U64(map), U32(map_entries), U32(0)
#define MODULE(base, len, cmdline) U64(base), U64(len), U64(cmdline), U64(0ULL)
#define MAP_ENTRY(base, len, type) U64(base), U64(len), U32(type), U32(0)
#define REGION(phys, ...)                                                                          \
	{                                                                                          \
		phys, BYTES(__VA_ARGS__)                                                           \
	}
#define ONE_RAM_RANGE REGION(0x3000, MAP_ENTRY(0ULL, 0x8000000ULL, 1))

/* What QEMU 7.2 gives for -m 256 -kernel K -append 'run=null' -initrd FILE (of 11 bytes). */
static void as_qemu_starts_us(void **state)
{
	/* The command line comes with the rest of its page, which is not its business. */
	static const u8 page[0xe40] = "run=null tlbi=immediate nohz_full=1\0garbage";
	const struct region regions[MAX_REGIONS] = {
		REGION(0x21e0, START(1, 1, 0x21c0ULL, 0x11c0ULL, 0xf59d0ULL, 0x5a8ULL, 7)),
		REGION(0x21c0, MODULE(0xffd7000ULL, 11ULL, 0ULL)),
		{0x11c0, page, sizeof(page)},
		REGION(0x5a8, MAP_ENTRY(0ULL, 0x9fc00ULL, 1), MAP_ENTRY(0x9fc00ULL, 0x400ULL, 2),
		       MAP_ENTRY(0xf0000ULL, 0x10000ULL, 2),
		       MAP_ENTRY(0x100000ULL, 0xfee0000ULL, 1),
		       MAP_ENTRY(0xffe0000ULL, 0x20000ULL, 2),
		       MAP_ENTRY(0xfffc0000ULL, 0x40000ULL, 2),
		       MAP_ENTRY(0xfd00000000ULL, 0x300000000ULL, 2)),
	};

	(void)state;
	assert_null(parse(0x21e0, regions));
	assert_int_equal(info.firmware, FIRMWARE_PVH);
	assert_string_equal(info.loader, "PVH");
	assert_string_equal(info.cmdline, "run=null tlbi=immediate nohz_full=1");
	assert_int_equal(info.rsdp.phys, 0xf59d0);
	assert_int_equal(info.rsdp.len, 0);
	assert_int_equal(info.framebuffer.type, FRAMEBUFFER_NONE);
	assert_int_equal(info.nr_modules, 1);
	assert_int_equal(info.module[0].base, 0xffd7000);
	assert_int_equal(info.module[0].len, 11);
	assert_string_equal(info.module[0].name, "");
	assert_int_equal(info.map.nr, 7);
	assert_int_equal(info.map.range[3].base, 0x100000);
	assert_int_equal(info.map.range[3].len, 0xfee0000);
	assert_int_equal(info.map.range[3].kind, MEM_RAM);
	assert_int_equal(info.map.range[6].base, 0xfd00000000);
	assert_int_equal(info.map.range[6].kind, MEM_RESERVED);
}

static void memory_types(void **state)
{
	const struct region regions[MAX_REGIONS] = {
		REGION(0x1000, START(1, 0, 0ULL, 0ULL, 0ULL, 0x3000ULL, 7)),
		REGION(0x3000, MAP_ENTRY(0x0000ULL, 0x1000ULL, 1),
		       MAP_ENTRY(0x1000ULL, 0x1000ULL, 2), MAP_ENTRY(0x2000ULL, 0x1000ULL, 3),
		       MAP_ENTRY(0x3000ULL, 0x1000ULL, 4), MAP_ENTRY(0x4000ULL, 0x1000ULL, 5),
		       MAP_ENTRY(0x5000ULL, 0x1000ULL, 7), MAP_ENTRY(0x6000ULL, 0ULL, 1)),
	};
	static const enum mem_kind kinds[] = {MEM_RAM,	    MEM_RESERVED, MEM_ACPI_RECLAIMABLE,
					      MEM_ACPI_NVS, MEM_BAD,	  MEM_RESERVED};

	(void)state;
	assert_null(parse(0x1000, regions));
	assert_string_equal(info.cmdline, "");
	assert_int_equal(info.nr_modules, 0);
	assert_int_equal(info.rsdp.phys, 0);
	assert_int_equal(info.map.nr, 6);
	assert_int_equal(info.map.dropped, 1);
	for (u32 i = 0; i < 6; i++) {
		assert_int_equal(info.map.range[i].base, i * 0x1000);
		assert_int_equal(info.map.range[i].kind, kinds[i]);
	}
}

/* A later version only appends. */
static void later_versions_are_taken(void **state)
{
	const struct region regions[MAX_REGIONS] = {
		REGION(0x1000, START(7, 0, 0ULL, 0ULL, 0ULL, 0x3000ULL, 1), U64(~0ULL)),
		ONE_RAM_RANGE,
	};

	(void)state;
	assert_null(parse(0x1000, regions));
}

static void bad_information_is_named(void **state)
{
	const struct {
		const char *error;
		struct region regions[MAX_REGIONS];
	} cases[] = {
		{"pvh: start information cannot be read", {REGION(0x2000, U32(MAGIC))}},
		{"pvh: start information cannot be read", {REGION(0x1000, U32(MAGIC), 1, 0, 0)}},
		{"pvh: start information has a wrong magic number",
		 {REGION(0x1000, U32(MAGIC + 1), U32(1))}},
		{"pvh: start information of version 0 has no memory map, 1 is needed",
		 {REGION(0x1000, U32(MAGIC), U32(0))}},
		{"pvh: start information is cut off", {REGION(0x1000, U32(MAGIC), U32(1))}},
		{"pvh: command line cannot be read",
		 {REGION(0x1000, START(1, 0, 0ULL, 0x2000ULL, 0ULL, 0x3000ULL, 1)), ONE_RAM_RANGE}},
		{"pvh: command line cannot be read",
		 {REGION(0x1000, START(1, 0, 0ULL, ~0ULL, 0ULL, 0x3000ULL, 1)), ONE_RAM_RANGE}},
		{"pvh: module list cannot be read",
		 {REGION(0x1000, START(1, 1, 0ULL, 0ULL, 0ULL, 0x3000ULL, 1)), ONE_RAM_RANGE}},
		{"pvh: module list cannot be read",
		 {REGION(0x1000, START(1, 1, ~0ULL - 30, 0ULL, 0ULL, 0x3000ULL, 1)),
		  ONE_RAM_RANGE}},
		{"pvh: module list cannot be read",
		 {REGION(0x1000, START(1, 2, 0x2000ULL, 0ULL, 0ULL, 0x3000ULL, 1)), ONE_RAM_RANGE,
		  REGION(0x2000, MODULE(0ULL, 1ULL, 0ULL))}},
		{"pvh: more than 16 modules",
		 {REGION(0x1000, START(1, 17, 0x2000ULL, 0ULL, 0ULL, 0x3000ULL, 1)),
		  ONE_RAM_RANGE}},
		{"pvh: a module's name cannot be read",
		 {REGION(0x1000, START(1, 1, 0x2000ULL, 0ULL, 0ULL, 0x3000ULL, 1)), ONE_RAM_RANGE,
		  REGION(0x2000, MODULE(0ULL, 1ULL, 0x9000ULL))}},
		{"a module lies outside RAM",
		 {REGION(0x1000, START(1, 1, 0x2000ULL, 0ULL, 0ULL, 0x3000ULL, 1)), ONE_RAM_RANGE,
		  REGION(0x2000, MODULE(1ULL, ~0ULL, 0ULL))}},
		{"pvh: memory map cannot be read",
		 {REGION(0x1000, START(1, 0, 0ULL, 0ULL, 0ULL, 0ULL, 1)),
		  REGION(0, MAP_ENTRY(0ULL, 0x8000000ULL, 1))}},
		{"pvh: memory map cannot be read",
		 {REGION(0x1000, START(1, 0, 0ULL, 0ULL, 0ULL, 0x3000ULL, 2)), ONE_RAM_RANGE}},
		{"pvh: memory map: more than 256 entries",
		 {REGION(0x1000, START(1, 0, 0ULL, 0ULL, 0ULL, 0x3000ULL, 257)), ONE_RAM_RANGE}},
		{"pvh: memory map: more than 256 entries",
		 {REGION(0x1000, START(1, 0, 0ULL, 0ULL, 0ULL, 0x3000ULL, 0xffffffff)),
		  ONE_RAM_RANGE}},
		{"memory map: no RAM in it",
		 {REGION(0x1000, START(1, 0, 0ULL, 0ULL, 0ULL, 0x3000ULL, 0)), ONE_RAM_RANGE}},
		{"memory map: no RAM in it",
		 {REGION(0x1000, START(1, 0, 0ULL, 0ULL, 0ULL, 0x3000ULL, 1)),
		  REGION(0x3000, MAP_ENTRY(0ULL, 0x1000ULL, 2))}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_same(parse(0x1000, cases[i].regions), cases[i].error);
}

/* Text of the longest length that is kept, and one more, at every distance from a page's end. */
static void text_limits(void **state)
{
	static u8 text[0x2000];
	static const struct {
		size_t length;
		const char *as_cmdline, *as_name;
	} cases[] = {
		{0, NULL, NULL},
		{1, NULL, NULL},
		{63, NULL, NULL},
		{64, NULL, "pvh: a module's name is longer than 63 characters"},
		{1023, NULL, "pvh: a module's name is longer than 63 characters"},
		{1024, "pvh: command line is longer than 1023 characters",
		 "pvh: a module's name is longer than 63 characters"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t before = 1; before <= 1030; before += before < 70 ? 1 : 60) {
			u64 at = 0x12000 - before;
			const struct region with_cmdline[MAX_REGIONS] = {
				REGION(0x1000, START(1, 0, 0ULL, at, 0ULL, 0x3000ULL, 1)),
				ONE_RAM_RANGE,
				{0x11000, text, sizeof(text)},
			};
			const struct region with_name[MAX_REGIONS] = {
				REGION(0x1000, START(1, 1, 0x2000ULL, 0ULL, 0ULL, 0x3000ULL, 1)),
				ONE_RAM_RANGE,
				{0x11000, text, sizeof(text)},
				REGION(0x2000, MODULE(0ULL, 1ULL, at)),
			};

			memset(text, 0, sizeof(text));
			memset(text + (at - 0x11000), 'x', cases[i].length);
			assert_same(parse(0x1000, with_cmdline), cases[i].as_cmdline);
			if (!cases[i].as_cmdline)
				assert_int_equal(strlen(info.cmdline), cases[i].length);
			assert_same(parse(0x1000, with_name), cases[i].as_name);
			if (!cases[i].as_name)
				assert_int_equal(strlen(info.module[0].name), cases[i].length);
		}
	}
}

/* As many modules and ranges as there is room for, each read from its own place. */
static void as_much_as_there_is_room_for(void **state)
{
	static u8 modules[16 * 32], ranges[256 * 24];
	const struct region regions[MAX_REGIONS] = {
		REGION(0x1000, START(1, 16, 0x2000ULL, 0ULL, 0ULL, 0x3000ULL, 256)),
		{0x2000, modules, sizeof(modules)},
		{0x3000, ranges, sizeof(ranges)},
	};

	(void)state;
	for (u32 i = 0; i < 16; i++) {
		const u8 module[] = {MODULE(0x10ULL * i, 16ULL, 0ULL)};

		memcpy(modules + 32 * i, module, 32);
	}
	for (u32 i = 0; i < 256; i++) {
		const u8 range[] = {MAP_ENTRY(0x2000ULL * i, 0x1000ULL, 1)};

		memcpy(ranges + 24 * i, range, 24);
	}
	assert_null(parse(0x1000, regions));
	assert_int_equal(info.nr_modules, 16);
	assert_int_equal(info.module[15].base, 0xf0);
	assert_int_equal(info.map.nr, 256);
	assert_int_equal(info.map.range[255].base, 0x2000 * 255);
}

/* A text that ends in the last byte of a page needs nothing of the next one, which is not there. */
static void text_may_end_with_the_last_page(void **state)
{
	const struct region regions[MAX_REGIONS] = {
		REGION(0x1000, START(1, 0, 0ULL, 0x4ffcULL, 0ULL, 0x3000ULL, 1)),
		ONE_RAM_RANGE,
		REGION(0x4ffc, 'e', 'n', 'd', 0),
	};
	const struct region unterminated[MAX_REGIONS] = {
		REGION(0x1000, START(1, 0, 0ULL, 0x4ffcULL, 0ULL, 0x3000ULL, 1)),
		ONE_RAM_RANGE,
		REGION(0x4ffc, 'e', 'n', 'd', 's'),
	};

	(void)state;
	assert_null(parse(0x1000, regions));
	assert_string_equal(info.cmdline, "end");
	assert_same(parse(0x1000, unterminated), "pvh: command line cannot be read");
}

static void text_becomes_printable(void **state)
{
	const struct region regions[MAX_REGIONS] = {
		REGION(0x1000, START(1, 0, 0ULL, 0x4ff8ULL, 0ULL, 0x3000ULL, 1)),
		ONE_RAM_RANGE,
		REGION(0x4ff8, 'a', '\t', 0x1b, 0x80, '\n', '~', ' ', 0),
	};

	(void)state;
	assert_null(parse(0x1000, regions));
	assert_string_equal(info.cmdline, "a ???~ ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_qemu_starts_us),
		cmocka_unit_test(memory_types),
		cmocka_unit_test(later_versions_are_taken),
		cmocka_unit_test(bad_information_is_named),
		cmocka_unit_test(text_limits),
		cmocka_unit_test(as_much_as_there_is_room_for),
		cmocka_unit_test(text_may_end_with_the_last_page),
		cmocka_unit_test(text_becomes_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
