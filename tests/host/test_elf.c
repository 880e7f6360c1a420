// sources: kernel/elf.c
/* SPDX-License-Identifier: MIT */
/*
 * The check of ring-3 programs. A good image is built field by field at the offsets of the ELF
 * specification; each case changes one field of it and names the refusal, or the reason why it is
 * none. Images end where their allocation ends, and begin at an odd address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/elf.h"

#define PHOFF	   64
#define IMAGE_SIZE 0x4000

/* Offsets of fields in the file header and in a program header; their widths in bytes. */
enum {
	E_TYPE = 16,
	E_MACHINE = 18,
	E_VERSION = 20,
	E_ENTRY = 24,
	E_PHOFF = 32,
	E_PHENTSIZE = 54,
	E_PHNUM = 56
};
enum { P_TYPE = 0, P_FLAGS = 4, P_OFFSET = 8, P_VADDR = 16, P_FILESZ = 32, P_MEMSZ = 40 };

#define PHDR(n, field) (PHOFF + 56 * (n) + (field))

static u8 image[IMAGE_SIZE];
static struct elf_program program;

static void put(size_t at, int width, u64 value)
{
	for (int i = 0; i < width; i++)
		image[at + (size_t)i] = (u8)(value >> (8 * i));
}

static void put_phdr(int n, u32 type, u32 flags, u64 offset, u64 vaddr, u64 filesz, u64 memsz)
{
	put(PHDR(n, P_TYPE), 4, type);
	put(PHDR(n, P_FLAGS), 4, flags);
	put(PHDR(n, P_OFFSET), 8, offset);
	put(PHDR(n, P_VADDR), 8, vaddr);
	put(PHDR(n, P_FILESZ), 8, filesz);
	put(PHDR(n, P_MEMSZ), 8, memsz);
}

/* Text, read-only data, and data with a .bss; and a header for the stack, which is ignored. */
static void make_good(void)
{
	static const u8 ident[8] = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0};

	memset(image, 0, sizeof(image));
	memcpy(image, ident, sizeof(ident));
	put(E_TYPE, 2, 2);
	put(E_MACHINE, 2, 62);
	put(E_VERSION, 4, 1);
	put(E_ENTRY, 8, 0x401010);
	put(E_PHOFF, 8, PHOFF);
	put(E_PHENTSIZE, 2, 56);
	put(E_PHNUM, 2, 4);
	put_phdr(0, 1, 5, 0x1000, 0x401000, 0x800, 0x800);
	put_phdr(1, 1, 4, 0x2000, 0x402000, 0x123, 0x123);
	put_phdr(2, 1, 6, 0x2ff0, 0x403ff0, 0x20, 0x5000);
	put_phdr(3, 0x6474e551, 7, 0, 0, 0, 0);
}

static const char *check(size_t len)
{
	u8 *copy = malloc(len + 1);
	const char *error;

	memcpy(copy + 1, image, len);
	memset(&program, 0xa5, sizeof(program));
	error = elf_check(copy + 1, len, &program);
	free(copy);
	return error;
}

static void assert_same(const char *actual, const char *expected)
{
	assert_string_equal(actual ? actual : "no error", expected ? expected : "no error");
}

static void a_good_program(void **state)
{
	(void)state;
	make_good();
	assert_null(check(IMAGE_SIZE));
	assert_int_equal(program.entry, 0x401010);
	assert_int_equal(program.nr_segments, 3);
	assert_int_equal(program.segments[0].vaddr, 0x401000);
	assert_int_equal(program.segments[0].mem_size, 0x800);
	assert_int_equal(program.segments[0].file_offset, 0x1000);
	assert_int_equal(program.segments[0].file_size, 0x800);
	assert_true(program.segments[0].executable);
	assert_false(program.segments[0].writable);
	assert_false(program.segments[1].executable);
	assert_false(program.segments[1].writable);
	assert_int_equal(program.segments[2].vaddr, 0x403ff0);
	assert_int_equal(program.segments[2].mem_size, 0x5000);
	assert_int_equal(program.segments[2].file_offset, 0x2ff0);
	assert_int_equal(program.segments[2].file_size, 0x20);
	assert_false(program.segments[2].executable);
	assert_true(program.segments[2].writable);
}

static void one_changed_field(void **state)
{
	static const struct {
		const char *what, *error;
		size_t at;
		int width;
		u64 value;
	} cases[] = {
		{"magic", "ELF: wrong magic number", 3, 1, 'G'},
		{"32-bit", "ELF: not a 64-bit file", 4, 1, 1},
		{"big-endian", "ELF: not little-endian", 5, 1, 2},
		{"version of the identification", "ELF: unknown version", 6, 1, 0},
		{"version", "ELF: unknown version", E_VERSION, 4, 2},
		{"AArch64", "ELF: not for x86-64", E_MACHINE, 2, 183},
		{"i386", "ELF: not for x86-64", E_MACHINE, 2, 3},
		{"object file", "ELF: not a static executable (ET_EXEC); link with -static -no-pie",
		 E_TYPE, 2, 1},
		{"PIE", "ELF: not a static executable (ET_EXEC); link with -static -no-pie", E_TYPE,
		 2, 3},
		{"no program headers", "ELF: no program headers", E_PHNUM, 2, 0},
		{"program header size", "ELF: program headers are not of 56 bytes", E_PHENTSIZE, 2,
		 32},
		{"program header size 0", "ELF: program headers are not of 56 bytes", E_PHENTSIZE,
		 2, 0},
		{"headers behind the end", "ELF: program headers lie outside the file", E_PHOFF, 8,
		 IMAGE_SIZE + 1},
		{"headers across the end", "ELF: program headers lie outside the file", E_PHOFF, 8,
		 IMAGE_SIZE - 4 * 56 + 1},
		{"headers that wrap", "ELF: program headers lie outside the file", E_PHOFF, 8,
		 ~0ULL - 10},
		{"too many headers", "ELF: program headers lie outside the file", E_PHNUM, 2,
		 0xffff},

		{"entry before the text", "ELF: the entry point is not in an executable segment",
		 E_ENTRY, 8, 0x400fff},
		{"entry at the first byte", NULL, E_ENTRY, 8, 0x401000},
		{"entry at the last byte", NULL, E_ENTRY, 8, 0x4017ff},
		{"entry behind the text", "ELF: the entry point is not in an executable segment",
		 E_ENTRY, 8, 0x401800},
		{"entry in data", "ELF: the entry point is not in an executable segment", E_ENTRY,
		 8, 0x403ff0},
		{"entry 0", "ELF: the entry point is not in an executable segment", E_ENTRY, 8, 0},
		{"entry in the kernel", "ELF: the entry point is not in an executable segment",
		 E_ENTRY, 8, 0xffffffff80000000},

		{"dynamic", "ELF: dynamically linked (PT_DYNAMIC); link with -static -no-pie",
		 PHDR(3, P_TYPE), 4, 2},
		{"interpreter", "ELF: needs an interpreter (PT_INTERP); link with -static -no-pie",
		 PHDR(3, P_TYPE), 4, 3},
		{"thread-local",
		 "ELF: has thread-local storage (PT_TLS), which programs here do not get",
		 PHDR(3, P_TYPE), 4, 7},
		{"note", NULL, PHDR(3, P_TYPE), 4, 4},
		{"an empty segment to load is none", NULL, PHDR(3, P_TYPE), 4, 1},

		{"file range behind the end", "ELF: a segment lies outside the file",
		 PHDR(1, P_OFFSET), 8, IMAGE_SIZE + 0x1000},
		{"file range to the end", NULL, PHDR(1, P_FILESZ), 8, 0x123},
		{"file range that wraps", "ELF: a segment lies outside the file", PHDR(1, P_OFFSET),
		 8, ~0ULL << 12},
		{"huge file range", "ELF: a segment lies outside the file", PHDR(1, P_FILESZ), 8,
		 ~0ULL},
		{"larger in the file", "ELF: a segment is larger in the file than in memory",
		 PHDR(1, P_FILESZ), 8, 0x124},
		{"memory size 0 beside a file size",
		 "ELF: a segment is larger in the file than in memory", PHDR(1, P_MEMSZ), 8, 0},
		{"below user space",
		 "ELF: a segment lies outside user space, 0x10000 to 0x7ffffefff000",
		 PHDR(1, P_VADDR), 8, 0xf000},
		{"lowest address", NULL, PHDR(1, P_VADDR), 8, 0x10000},
		{"highest page", NULL, PHDR(1, P_VADDR), 8, 0x7ffffeffe000},
		{"above user space",
		 "ELF: a segment lies outside user space, 0x10000 to 0x7ffffefff000",
		 PHDR(1, P_VADDR), 8, 0x7ffffefff000},
		{"in the kernel",
		 "ELF: a segment lies outside user space, 0x10000 to 0x7ffffefff000",
		 PHDR(1, P_VADDR), 8, 0xffffffff80000000},
		{"memory that wraps",
		 "ELF: a segment lies outside user space, 0x10000 to 0x7ffffefff000",
		 PHDR(2, P_MEMSZ), 8, ~0ULL},
		{"out of the page",
		 "ELF: a segment's address and file offset differ within the page",
		 PHDR(1, P_VADDR), 8, 0x402010},
		{"not readable", "ELF: a segment is not readable", PHDR(0, P_FLAGS), 4, 1},
		{"no permissions", "ELF: a segment is not readable", PHDR(1, P_FLAGS), 4, 0},
		{"W and X", "ELF: a segment is both writable and executable", PHDR(0, P_FLAGS), 4,
		 7},
		{"shared page with its successor", "ELF: two segments share a page",
		 PHDR(1, P_VADDR), 8, 0x403000},
		{"shared page with its predecessor", "ELF: two segments share a page",
		 PHDR(0, P_MEMSZ), 8, 0x1001},
		{"up to the next segment's page", NULL, PHDR(0, P_MEMSZ), 8, 0x1000},
		{"the same segment twice", "ELF: two segments share a page", PHDR(1, P_VADDR), 8,
		 0x401000},
		{"a segment within another", "ELF: two segments share a page", PHDR(1, P_VADDR), 8,
		 0x406000},
		{"too much memory", "ELF: more than 64 MiB of memory", PHDR(2, P_MEMSZ), 8,
		 0x4000000},
		{"just enough memory", NULL, PHDR(2, P_MEMSZ), 8, 0x4000000 - 0x2ff0},
		{"a byte more", "ELF: more than 64 MiB of memory", PHDR(2, P_MEMSZ), 8,
		 0x4000000 - 0x2ff0 + 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		make_good();
		put(cases[i].at, cases[i].width, cases[i].value);
		print_message("# %s\n", cases[i].what);
		assert_same(check(IMAGE_SIZE), cases[i].error);
	}
}

static void every_truncation_is_refused(void **state)
{
	/* Segment 2 ends last in the file. */
	const size_t end = 0x2ff0 + 0x20;

	(void)state;
	make_good();
	for (size_t len = 0; len < end; len++) {
		const char *expected = "ELF: a segment lies outside the file";

		if (len < 64)
			expected = "ELF: shorter than its header";
		else if (len < 64 + 4 * 56)
			expected = "ELF: program headers lie outside the file";
		assert_same(check(len), expected);
	}
	assert_null(check(end));
}

static void segments_in_any_order(void **state)
{
	(void)state;
	make_good();
	put_phdr(0, 1, 6, 0x2ff0, 0x403ff0, 0x20, 0x5000);
	put_phdr(2, 1, 5, 0x1000, 0x401000, 0x800, 0x800);
	assert_null(check(IMAGE_SIZE));
	assert_int_equal(program.nr_segments, 3);
	assert_int_equal(program.segments[2].vaddr, 0x401000);
}

static void sixteen_segments_but_not_seventeen(void **state)
{
	(void)state;
	make_good();
	for (int n = 0; n < 17; n++)
		put_phdr(n, 1, n ? 4 : 5, 0x1000, 0x401000 + 0x1000 * (u64)n, 0x800, 0x800);
	put(E_PHNUM, 2, 16);
	assert_null(check(IMAGE_SIZE));
	assert_int_equal(program.nr_segments, 16);
	put(E_PHNUM, 2, 17);
	assert_same(check(IMAGE_SIZE), "ELF: more than 16 segments");
}

/* A .bss at the very end of the file, and a segment up to the very end of user space. */
static void limits_that_two_fields_reach(void **state)
{
	(void)state;
	make_good();
	put_phdr(1, 1, 6, IMAGE_SIZE, 0x402000, 0, 0x123);
	assert_null(check(IMAGE_SIZE));
	assert_int_equal(program.segments[1].file_size, 0);
	make_good();
	put_phdr(1, 1, 4, 0x2000, 0x7ffffeffe000, 0x1000, 0x1000);
	assert_null(check(IMAGE_SIZE));
	put_phdr(1, 1, 4, 0x2000, 0x7ffffeffe000, 0x1000, 0x1001);
	assert_same(check(IMAGE_SIZE),
		    "ELF: a segment lies outside user space, 0x10000 to 0x7ffffefff000");
}

static void nothing_to_load(void **state)
{
	(void)state;
	make_good();
	for (int n = 0; n < 3; n++)
		put(PHDR(n, P_TYPE), 4, 4);
	assert_same(check(IMAGE_SIZE), "ELF: no segments to load");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_program),
		cmocka_unit_test(one_changed_field),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(segments_in_any_order),
		cmocka_unit_test(sixteen_segments_but_not_seventeen),
		cmocka_unit_test(limits_that_two_fields_reach),
		cmocka_unit_test(nothing_to_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
