// sources: boot/multiboot2.c boot/boot_info.c boot/mem_map.c
/* SPDX-License-Identifier: MIT */
/*
 * The Multiboot2 parser: information from real loaders (GRUB 2.06 under SeaBIOS and OVMF, recorded
 * once), then good and bad tags spelled out byte by byte. The information always ends where its
 * allocation ends, so that AddressSanitizer sees a read behind it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/multiboot2.h"
#include "tests/host/boot_bytes.h"

__asm__(".pushsection .rodata\n"
	".balign 8\n"
	"grub_bios: .incbin \"tests/host/corpus/multiboot2/grub-bios.bin\"\n"
	"grub_bios_end:\n"
	".balign 8\n"
	"grub_uefi: .incbin \"tests/host/corpus/multiboot2/grub-uefi.bin\"\n"
	"grub_uefi_end:\n"
	".popsection\n");
extern const char grub_bios[], grub_bios_end[], grub_uefi[], grub_uefi_end[];

static struct boot_info info;

/* A tag; its size is that of header and data unless SIZE says otherwise. */
struct tag {
	u32 type;
	const u8 *data;
	size_t len;
	u32 size;
};

#define TAG(type, ...)                                                                             \
	{                                                                                          \
		type, BYTES(__VA_ARGS__), 0                                                        \
	}
#define TAG_SIZED(type, size, ...)                                                                 \
	{                                                                                          \
		type, BYTES(__VA_ARGS__), size                                                     \
	}
#define NO_DATA(type)                                                                              \
	{                                                                                          \
		type, NULL, 0, 8                                                                   \
	}
#define END			      NO_DATA(0)
#define MEMORY_ENTRY(base, len, type) U64(base), U64(len), U32(type), U32(0)
#define RAM_BELOW_128M		      TAG(6, U32(24), U32(0), MEMORY_ENTRY(0ULL, 0x8000000ULL, 1))

#define MAX_TAGS 24

/* Lays out header and tags, each tag padded to 8 bytes; *size is the exact length. */
static u8 *lay_out(const struct tag *tags, size_t *size)
{
	static u8 buffer[65536];
	size_t at = 8;

	memset(buffer, 0xee, sizeof(buffer));
	for (int i = 0; i < MAX_TAGS && (tags[i].type || tags[i].size); i++) {
		u32 tag_size = tags[i].size ? tags[i].size : (u32)tags[i].len + 8;

		at = ALIGN_UP(at, 8);
		memcpy(buffer + at, &tags[i].type, 4);
		memcpy(buffer + at + 4, &tag_size, 4);
		if (tags[i].len)
			memcpy(buffer + at + 8, tags[i].data, tags[i].len);
		at += 8 + tags[i].len;
	}
	u32 total = (u32)at;

	memcpy(buffer, &total, 4);
	memset(buffer + 4, 0, 4);
	*size = at;
	return buffer;
}

/* Parses a copy of the bytes that is exactly as long as said. */
static const char *parse_exact(const void *bytes, size_t size)
{
	void *copy = malloc(size ? size : 1);
	const char *error;

	memcpy(copy, bytes, size);
	memset(&info, 0xa5, sizeof(info));
	error = multiboot2_parse(copy, size, &info);
	free(copy);
	return error;
}

static const char *parse(const struct tag *tags)
{
	size_t size;
	const u8 *bytes = lay_out(tags, &size);

	return parse_exact(bytes, size);
}

/* Both NULL, or both the same text. */
static void assert_same(const char *actual, const char *expected)
{
	assert_string_equal(actual ? actual : "no error", expected ? expected : "no error");
}

static void assert_range(u32 i, u64 base, u64 len, enum mem_kind kind)
{
	assert_true(i < info.map.nr);
	assert_int_equal(info.map.range[i].base, base);
	assert_int_equal(info.map.range[i].len, len);
	assert_int_equal(info.map.range[i].kind, kind);
}

static void assert_grub(void)
{
	assert_string_equal(info.loader, "GRUB 2.06-13+deb12u2");
	assert_string_equal(info.cmdline, "run=compare,flushes=1000 tlbi=state-bits nohz_full=2-3 "
					  "console=ttyS0,115200 loglevel=6");
	assert_int_equal(info.nr_modules, 2);
	assert_string_equal(info.module[0].name, "spin");
	assert_int_equal(info.module[0].len, 11);
	assert_string_equal(info.module[1].name, "bounce");
	assert_int_equal(info.module[1].len, 5000);
	assert_int_equal(info.map.dropped, 0);
	assert_int_equal(info.framebuffer.type, FRAMEBUFFER_RGB);
	assert_int_equal(info.framebuffer.width, 1024);
	assert_int_equal(info.framebuffer.height, 768);
	assert_int_equal(info.framebuffer.pitch, 4096);
	assert_int_equal(info.framebuffer.bpp, 32);
	assert_int_equal(info.framebuffer.red.position, 16);
	assert_int_equal(info.framebuffer.green.position, 8);
	assert_int_equal(info.framebuffer.blue.position, 0);
	assert_int_equal(info.framebuffer.red.size, 8);
	assert_int_equal(info.framebuffer.green.size, 8);
	assert_int_equal(info.framebuffer.blue.size, 8);
	assert_null(info.framebuffer.ignored);
	assert_int_equal(info.rsdp.phys, 0);
}

static void grub_under_seabios(void **state)
{
	(void)state;
	assert_null(parse_exact(grub_bios, (size_t)(grub_bios_end - grub_bios)));
	assert_grub();
	assert_int_equal(info.firmware, FIRMWARE_BIOS);
	assert_int_equal(info.module[0].base, 0x101000);
	assert_int_equal(info.module[1].base, 0x102000);
	assert_int_equal(info.framebuffer.phys, 0xfd000000);
	assert_int_equal(info.map.nr, 7);
	assert_range(0, 0, 0x9fc00, MEM_RAM);
	assert_range(1, 0x9fc00, 0x400, MEM_RESERVED);
	assert_range(2, 0xf0000, 0x10000, MEM_RESERVED);
	assert_range(3, 0x100000, 0xfee0000, MEM_RAM);
	assert_range(4, 0xffe0000, 0x20000, MEM_RESERVED);
	assert_range(5, 0xfffc0000, 0x40000, MEM_RESERVED);
	assert_range(6, 0xfd00000000, 0x300000000, MEM_RESERVED);
	assert_int_equal(info.rsdp.len, 20);
	assert_memory_equal(info.rsdp.bytes, "RSD PTR oBOCHS \0\xbb\x1b\xfe\x0f", 20);
}

static void grub_under_ovmf(void **state)
{
	(void)state;
	assert_null(parse_exact(grub_uefi, (size_t)(grub_uefi_end - grub_uefi)));
	assert_grub();
	assert_int_equal(info.firmware, FIRMWARE_UEFI);
	assert_int_equal(info.module[0].base, 0x5000);
	assert_int_equal(info.module[1].base, 0x6000);
	assert_int_equal(info.framebuffer.phys, 0xc0000000);
	/* 18 entries; three neighbours at 0x1f4ec000 are all reserved, one of them of type 20. */
	assert_int_equal(info.map.nr, 16);
	assert_range(0, 0, 0xa0000, MEM_RAM);
	assert_range(2, 0x806000, 0x2000, MEM_ACPI_NVS);
	assert_range(8, 0x1f4ec000, 0x280000, MEM_RESERVED);
	assert_range(9, 0x1f76c000, 0x12000, MEM_ACPI_RECLAIMABLE);
	assert_range(15, 0xffc00000, 0x400000, MEM_RESERVED);
	/* Both root pointers were offered, the new one was taken. */
	assert_int_equal(info.rsdp.len, 36);
	assert_memory_equal(info.rsdp.bytes,
			    "RSD PTR \x86"
			    "BOCHS \2\x74\xc0\x77\x1f\x24\0\0\0\xe8\xc0\x77\x1f\0\0\0\0\x9e\0\0\0",
			    36);
}

/* No prefix of good information is good, and none is read beyond its end. */
static void every_truncation_is_refused(void **state)
{
	size_t size = (size_t)(grub_bios_end - grub_bios);
	char cut[4096];

	(void)state;
	assert_true(size <= sizeof(cut));
	for (u32 length = 0; length < size; length++) {
		assert_non_null(parse_exact(grub_bios, length));
		if (length < 4)
			continue;
		/* The same, with a total size that agrees. */
		memcpy(cut, grub_bios, length);
		memcpy(cut, &length, 4);
		assert_non_null(parse_exact(cut, length));
	}
}

#define RGB(...) U64(0xfd000000ULL), U32(4096), U32(1024), U32(768), 32, 1, U16(0), __VA_ARGS__
#define XRGB8888 16, 8, 8, 8, 0, 8
#define OLD_RSDP                                                                                   \
	'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ', 1, 'O', 'E', 'M', 'I', 'D', '_', 0, U32(0x1000)
#define NEW_RSDP                                                                                   \
	'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ', 2, 'O', 'E', 'M', 'I', 'D', '_', 2, U32(0x2000),   \
		U32(36), U64(0x3000ULL), 9, 0, 0, 0

static void bad_tags_are_named(void **state)
{
	const struct {
		const char *error;
		struct tag tags[MAX_TAGS];
	} cases[] = {
		{"multiboot2: no end tag", {RAM_BELOW_128M}},
		{"multiboot2: no end tag", {RAM_BELOW_128M, TAG_SIZED(4, 12, U32(0))}},
		{"multiboot2: no memory map tag", {END}},
		{"multiboot2: no memory map tag", {TAG(1, 'a', 0), END}},
		{"multiboot2: a tag is shorter than its own header",
		 {RAM_BELOW_128M, TAG_SIZED(5, 7, U32(0)), END}},
		{"multiboot2: a tag is shorter than its own header",
		 {RAM_BELOW_128M, TAG_SIZED(99, 1, U32(0)), END}},
		{"multiboot2: a tag is shorter than its own header",
		 {RAM_BELOW_128M, {0, NULL, 0, 7}, END}},
		{"multiboot2: a tag reaches beyond the total size",
		 {RAM_BELOW_128M, TAG_SIZED(1, 0xffffffff, 'a', 0), END}},
		{"multiboot2: a tag reaches beyond the total size",
		 {RAM_BELOW_128M, TAG_SIZED(77, 0x80000000, U32(0)), END}},
		{"multiboot2: a tag reaches beyond the total size",
		 {RAM_BELOW_128M, {0, NULL, 0, 9}}},

		{"multiboot2: command line tag is too short", {RAM_BELOW_128M, NO_DATA(1), END}},
		{"multiboot2: two command line tags",
		 {RAM_BELOW_128M, TAG(1, 'a', 0), TAG(1, 'b', 0), END}},
		{"multiboot2: command line is not terminated",
		 {RAM_BELOW_128M, TAG(1, 'a', 'b'), END}},
		{"multiboot2: loader name tag is too short", {RAM_BELOW_128M, NO_DATA(2), END}},
		{"multiboot2: two loader name tags", {TAG(2, 0), TAG(2, 0), RAM_BELOW_128M, END}},
		{"multiboot2: loader name is not terminated", {RAM_BELOW_128M, TAG(2, 'G'), END}},

		{"multiboot2: module tag is too short",
		 {RAM_BELOW_128M, TAG(3, U32(0x1000), U32(0x2000)), END}},
		{"multiboot2: a module ends before it starts",
		 {RAM_BELOW_128M, TAG(3, U32(0x2000), U32(0x1fff), 'a', 0), END}},
		{"multiboot2: a module's name is not terminated",
		 {RAM_BELOW_128M, TAG(3, U32(0x1000), U32(0x2000), 'a'), END}},
		{"a module is empty",
		 {RAM_BELOW_128M, TAG(3, U32(0x1000), U32(0x1000), 'm', 0), END}},
		{"a module lies outside RAM",
		 {RAM_BELOW_128M, TAG(3, U32(0x8000000), U32(0x8000001), 'a', 0), END}},
		{"a module lies outside RAM",
		 {RAM_BELOW_128M, TAG(3, U32(0x7ffffff), U32(0x8000001), 'a', 0), END}},

		{"a module lies outside RAM",
		 {RAM_BELOW_128M, TAG(3, U32(0x1000), U32(0x2000), 'a', 0),
		  TAG(3, U32(0x8000000), U32(0x8000001), 'b', 0), END}},

		{"multiboot2: memory map tag is too short", {TAG(6, U32(24)), END}},
		{"multiboot2: two memory map tags", {RAM_BELOW_128M, RAM_BELOW_128M, END}},
		{"multiboot2: memory map: entry size is below 24 bytes",
		 {TAG(6, U32(0), U32(0), MEMORY_ENTRY(0ULL, 1ULL, 1)), END}},
		{"multiboot2: memory map: entry size is below 24 bytes",
		 {TAG(6, U32(23), U32(0), MEMORY_ENTRY(0ULL, 1ULL, 1)), END}},
		{"multiboot2: memory map: entry size is not a multiple of 8",
		 {TAG(6, U32(25), U32(0), MEMORY_ENTRY(0ULL, 1ULL, 1), 0), END}},
		{"multiboot2: memory map: its size is not a whole number of entries",
		 {TAG(6, U32(24), U32(0), MEMORY_ENTRY(0ULL, 1ULL, 1), U64(0ULL)), END}},
		{"multiboot2: memory map: its size is not a whole number of entries",
		 {TAG(6, U32(0xfffffff8), U32(0), MEMORY_ENTRY(0ULL, 1ULL, 1)), END}},
		{"memory map: no RAM in it", {TAG(6, U32(24), U32(0)), END}},
		{"memory map: no RAM in it", {TAG(6, U32(0x80000000), U32(0)), END}},
		{"memory map: no RAM in it",
		 {TAG(6, U32(24), U32(0), MEMORY_ENTRY(0ULL, 1ULL, 2)), END}},

		{"multiboot2: framebuffer tag is too short",
		 {RAM_BELOW_128M, TAG(8, U64(1ULL), U32(1), U32(1), U32(1), 32, 1, 0), END}},
		{"multiboot2: framebuffer tag is too short for its colours",
		 {RAM_BELOW_128M, TAG(8, RGB(16, 8, 8, 8, 0)), END}},
		{"multiboot2: two framebuffer tags",
		 {RAM_BELOW_128M, TAG(8, RGB(XRGB8888)), TAG(8, RGB(XRGB8888)), END}},

		{"multiboot2: ACPI 1.0 tag is too short",
		 {RAM_BELOW_128M, TAG_SIZED(14, 27, OLD_RSDP), END}},
		{"multiboot2: ACPI 2.0 tag is too short",
		 {RAM_BELOW_128M, TAG_SIZED(15, 43, NEW_RSDP), END}},
		{"multiboot2: two ACPI 1.0 tags",
		 {RAM_BELOW_128M, TAG(14, OLD_RSDP), TAG(14, OLD_RSDP), END}},
		{"multiboot2: two ACPI 2.0 tags",
		 {RAM_BELOW_128M, TAG(15, NEW_RSDP), TAG(15, NEW_RSDP), END}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_same(parse(cases[i].tags), cases[i].error);
	}
}

static void bad_headers_are_named(void **state)
{
	const struct {
		u32 total;
		size_t avail;
		const char *error;
	} cases[] = {
		{0, 0, "multiboot2: the information has no header"},
		{8, 7, "multiboot2: the information has no header"},
		{0, 8, "multiboot2: total size is below the header's 8 bytes"},
		{7, 8, "multiboot2: total size is below the header's 8 bytes"},
		{17, 16, "multiboot2: total size is more than can be read"},
		{0xffffffff, 16, "multiboot2: total size is more than can be read"},
		{8, 8, "multiboot2: no end tag"},
		{15, 16, "multiboot2: no end tag"},
		{16, 16, "multiboot2: no memory map tag"},
	};
	u64 unaligned[4] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 bytes[4] = {cases[i].total, 0, 0, 8};

		assert_string_equal(parse_exact(bytes, cases[i].avail), cases[i].error);
	}
	for (int shift = 1; shift < 8; shift++)
		assert_string_equal(multiboot2_parse((u8 *)unaligned + shift, 16, &info),
				    "multiboot2: the information is not aligned to 8 bytes");
}

/* What follows the total size is not looked at, even if it could be read. */
static void total_size_bounds_the_tags(void **state)
{
	const struct tag tags[MAX_TAGS] = {RAM_BELOW_128M, TAG(1, 'a', 0), END};
	size_t size;
	u8 *bytes = lay_out(tags, &size);
	u32 total;

	(void)state;
	for (total = 8; total < size; total++) {
		memcpy(bytes, &total, 4);
		assert_non_null(parse_exact(bytes, size));
	}
	memcpy(bytes, &total, 4);
	assert_null(parse_exact(bytes, size));
	/* Nor what follows the end tag. */
	const struct tag more[MAX_TAGS] = {RAM_BELOW_128M, END, NO_DATA(1), END};

	assert_null(parse(more));
	assert_string_equal(info.cmdline, "");
}

/* Text of the longest length that is kept, and one more. */
static void text_limits(void **state)
{
	static u8 text[2048];
	const struct {
		u32 type;
		size_t prefix, length;
		const char *error;
	} cases[] = {
		{1, 0, 1023, NULL},
		{1, 0, 1024, "multiboot2: command line is longer than 1023 characters"},
		{3, 8, 63, NULL},
		{3, 8, 64, "multiboot2: a module's name is longer than 63 characters"},
		{2, 0, 63, NULL},
		{2, 0, 1000, NULL}, /* cut: it is only shown */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tag tags[MAX_TAGS] = {RAM_BELOW_128M,
					     {cases[i].type, text,
					      cases[i].prefix + cases[i].length + 1, 0},
					     END};
		const char *error;

		memset(text, 0, 8);
		text[5] = 1; /* a module of [0, 0x100) */
		memset(text + cases[i].prefix, 'x', cases[i].length);
		text[cases[i].prefix + cases[i].length] = 0;
		error = parse(tags);
		assert_same(error, cases[i].error);
		if (error)
			continue;
		assert_int_equal(strlen(cases[i].type == 1   ? info.cmdline
					: cases[i].type == 2 ? info.loader
							     : info.module[0].name),
				 min(cases[i].length, (size_t)(cases[i].type == 1 ? 1023 : 63)));
	}
}

static void text_becomes_printable(void **state)
{
	const struct tag tags[MAX_TAGS] = {
		RAM_BELOW_128M, TAG(1, 'a', '\t', 0x1b, 0x7f, 0xc3, '~', ' ', '\n', 0, 'z', 0),
		END};

	(void)state;
	assert_null(parse(tags));
	assert_string_equal(info.cmdline, "a ???~ ?");
}

static void sixteen_modules_but_not_seventeen(void **state)
{
	struct tag module = TAG(3, U32(0x1000), U32(0x1001), 'm', 0);
	struct tag tags[MAX_TAGS] = {RAM_BELOW_128M};
	struct tag end = END;

	(void)state;
	for (int i = 1; i <= 16; i++)
		tags[i] = module;
	tags[17] = end;
	assert_null(parse(tags));
	assert_int_equal(info.nr_modules, 16);
	assert_int_equal(info.module[15].len, 1);
	tags[17] = module;
	tags[18] = end;
	assert_string_equal(parse(tags), "multiboot2: more than 16 modules");
}

static void the_new_root_pointer_wins_in_any_order(void **state)
{
	const struct tag orders[][MAX_TAGS] = {
		{RAM_BELOW_128M, TAG(14, OLD_RSDP), TAG(15, NEW_RSDP), END},
		{TAG(15, NEW_RSDP), TAG(14, OLD_RSDP), RAM_BELOW_128M, END},
		{RAM_BELOW_128M, TAG(15, NEW_RSDP), END},
	};
	const struct tag old[MAX_TAGS] = {RAM_BELOW_128M, TAG(14, OLD_RSDP), END};
	const struct tag none[MAX_TAGS] = {RAM_BELOW_128M, END};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		assert_null(parse(orders[i]));
		assert_int_equal(info.rsdp.len, 36);
		assert_memory_equal(info.rsdp.bytes, ((const u8[]){NEW_RSDP}), 36);
	}
	assert_null(parse(old));
	assert_int_equal(info.rsdp.len, 20);
	assert_memory_equal(info.rsdp.bytes, ((const u8[]){OLD_RSDP}), 20);
	assert_null(parse(none));
	assert_int_equal(info.rsdp.len, 0);
	assert_int_equal(info.rsdp.phys, 0);
}

static void every_efi_tag_tells_of_uefi(void **state)
{
	(void)state;
	for (u32 type = 1; type <= 25; type++) {
		bool efi = type == 11 || type == 12 || (type >= 17 && type <= 20);
		struct tag tags[MAX_TAGS] = {RAM_BELOW_128M, NO_DATA(type), END};

		/* Those that need data are not under test here. */
		if (type == 1 || type == 2 || type == 3 || type == 6 || type == 8 || type == 14 ||
		    type == 15)
			continue;
		assert_null(parse(tags));
		assert_int_equal(info.firmware, efi ? FIRMWARE_UEFI : FIRMWARE_BIOS);
	}
}

/* Entries that are longer than 24 bytes are read by their first 24. */
static void long_memory_entries(void **state)
{
	const struct tag tags[MAX_TAGS] = {TAG(6, U32(32), U32(1), MEMORY_ENTRY(0ULL, 0x1000ULL, 1),
					       U64(~0ULL), MEMORY_ENTRY(0x1000ULL, 0x1000ULL, 3),
					       U64(~0ULL)),
					   END};

	(void)state;
	assert_null(parse(tags));
	assert_int_equal(info.map.nr, 2);
	assert_range(0, 0, 0x1000, MEM_RAM);
	assert_range(1, 0x1000, 0x1000, MEM_ACPI_RECLAIMABLE);
}

static void too_many_memory_entries(void **state)
{
	static u8 data[8 + 257 * 24];
	static const u8 header[] = {U32(24), U32(0)};
	static const u8 entry[] = {MEMORY_ENTRY(0ULL, 0x1000ULL, 1)};
	struct tag tags[MAX_TAGS] = {{6, data, sizeof(data), 0}, END};

	(void)state;
	memcpy(data, header, 8);
	for (u32 i = 0; i < 257; i++)
		memcpy(data + 8 + i * 24, entry, 24);
	assert_string_equal(parse(tags), "memory map: more than 256 ranges");
}

static void framebuffers(void **state)
{
#define FB(phys, pitch, width, height, bpp, type, ...)                                             \
	TAG(8, U64(phys), U32(pitch), U32(width), U32(height), bpp, type, U16(0), __VA_ARGS__)
	const struct {
		struct tag tag;
		enum framebuffer_type type;
		const char *ignored;
	} cases[] = {
		{FB(0xfd000000ULL, 4096, 1024, 768, 32, 1, XRGB8888), FRAMEBUFFER_RGB, NULL},
		{FB(0xfd000000ULL, 3072, 1024, 768, 24, 1, XRGB8888), FRAMEBUFFER_RGB, NULL},
		{FB(0xfd000000ULL, 2048, 1024, 768, 16, 1, 11, 5, 5, 6, 0, 5), FRAMEBUFFER_RGB,
		 NULL},
		{FB(0xfd000000ULL, 2048, 1024, 768, 15, 1, 10, 5, 5, 5, 0, 5), FRAMEBUFFER_RGB,
		 NULL},
		{FB(0xfd000000ULL, 4096, 1024, 768, 32, 1, 20, 10, 10, 10, 0, 10), FRAMEBUFFER_RGB,
		 NULL},
		{FB(0xb8000ULL, 160, 80, 25, 16, 2, 0), FRAMEBUFFER_TEXT, NULL},
		{FB(0xfd000000ULL, 1024, 1024, 768, 8, 0, 0), FRAMEBUFFER_NONE,
		 "neither RGB nor text"},
		{FB(0xfd000000ULL, 4096, 1024, 768, 32, 3, 0), FRAMEBUFFER_NONE,
		 "neither RGB nor text"},
		{FB(0xfd000000ULL, 4095, 1024, 768, 32, 1, XRGB8888), FRAMEBUFFER_NONE,
		 "its lines overlap"},
		{FB(0xfd000000ULL, 4096, 0x40000001, 768, 32, 1, XRGB8888), FRAMEBUFFER_NONE,
		 "its lines overlap"},
		{FB(0xfd000000ULL, 0, 1024, 768, 32, 1, XRGB8888), FRAMEBUFFER_NONE,
		 "its lines overlap"},
		{FB(0xb8000ULL, 159, 80, 25, 16, 2, 0), FRAMEBUFFER_NONE, "its lines overlap"},
		{FB(0xfd000000ULL, 4096, 0, 768, 32, 1, XRGB8888), FRAMEBUFFER_NONE,
		 "no width or no height"},
		{FB(0xfd000000ULL, 4096, 1024, 0, 32, 1, XRGB8888), FRAMEBUFFER_NONE,
		 "no width or no height"},
		{FB(0ULL, 4096, 1024, 768, 32, 1, XRGB8888), FRAMEBUFFER_NONE,
		 "its address is none"},
		{FB(~0ULL, 4096, 1024, 768, 32, 1, XRGB8888), FRAMEBUFFER_NONE,
		 "its address is none"},
		{FB(0xffffffffff000ULL, 4096, 1024, 2, 32, 1, XRGB8888), FRAMEBUFFER_NONE,
		 "its address is none"},
		{FB(0xffffffffff000ULL, 4096, 1024, 1, 32, 1, XRGB8888), FRAMEBUFFER_RGB, NULL},
		{FB(0xfd000000ULL, 4096, 1024, 768, 8, 1, XRGB8888), FRAMEBUFFER_NONE,
		 "depth is not 15, 16, 24 or 32 bits"},
		{FB(0xfd000000ULL, 4096, 1024, 768, 0, 1, XRGB8888), FRAMEBUFFER_NONE,
		 "depth is not 15, 16, 24 or 32 bits"},
		{FB(0xfd000000ULL, 4096, 1024, 768, 32, 1, 25, 8, 8, 8, 0, 8), FRAMEBUFFER_NONE,
		 "a colour lies outside the pixel"},
		{FB(0xfd000000ULL, 4096, 1024, 768, 32, 1, 16, 8, 255, 255, 0, 8), FRAMEBUFFER_NONE,
		 "a colour lies outside the pixel"},
		{FB(0xfd000000ULL, 4096, 1024, 768, 32, 1, 16, 8, 8, 8, 0, 0), FRAMEBUFFER_NONE,
		 "a colour lies outside the pixel"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tag tags[MAX_TAGS] = {RAM_BELOW_128M, cases[i].tag, END};

		assert_null(parse(tags));
		assert_int_equal(info.framebuffer.type, cases[i].type);
		assert_same(info.framebuffer.ignored, cases[i].ignored);
	}
}

/* Each colour comes from its own two bytes. */
static void colours_of_a_framebuffer(void **state)
{
	const struct tag tags[MAX_TAGS] = {RAM_BELOW_128M, TAG(8, RGB(1, 2, 3, 4, 7, 9)), END};

	(void)state;
	assert_null(parse(tags));
	assert_int_equal(info.framebuffer.red.position, 1);
	assert_int_equal(info.framebuffer.red.size, 2);
	assert_int_equal(info.framebuffer.green.position, 3);
	assert_int_equal(info.framebuffer.green.size, 4);
	assert_int_equal(info.framebuffer.blue.position, 7);
	assert_int_equal(info.framebuffer.blue.size, 9);
}

/* Tags of the least length: empty texts. */
static void shortest_tags(void **state)
{
	const struct tag tags[MAX_TAGS] = {RAM_BELOW_128M,
					   TAG(1, 0),
					   TAG(2, 0),
					   TAG(8, U64(0xb8000ULL), U32(160), U32(80), U32(25), 16,
					       2, U16(0)),
					   TAG(3, U32(0x1000), U32(0x1001), 0),
					   END};

	(void)state;
	assert_null(parse(tags));
	assert_string_equal(info.cmdline, "");
	assert_string_equal(info.loader, "");
	assert_int_equal(info.nr_modules, 1);
	assert_string_equal(info.module[0].name, "");
	assert_int_equal(info.module[0].len, 1);
	assert_int_equal(info.framebuffer.type, FRAMEBUFFER_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grub_under_seabios),
		cmocka_unit_test(grub_under_ovmf),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(bad_tags_are_named),
		cmocka_unit_test(bad_headers_are_named),
		cmocka_unit_test(total_size_bounds_the_tags),
		cmocka_unit_test(text_limits),
		cmocka_unit_test(text_becomes_printable),
		cmocka_unit_test(sixteen_modules_but_not_seventeen),
		cmocka_unit_test(the_new_root_pointer_wins_in_any_order),
		cmocka_unit_test(every_efi_tag_tells_of_uefi),
		cmocka_unit_test(long_memory_entries),
		cmocka_unit_test(too_many_memory_entries),
		cmocka_unit_test(framebuffers),
		cmocka_unit_test(colours_of_a_framebuffer),
		cmocka_unit_test(shortest_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
