/* SPDX-License-Identifier: MIT */
/*
 * The Multiboot2 parser. One table says which tags are read, how short each may be and by what;
 * tags that it does not name are skipped. A tag's function sees that tag's bytes and no others.
 *
 * Bounds: the walk keeps offset <= total and total <= avail; a tag is handed on only if its size
 * is at least its table row's and at most total - offset, so a row's minimum covers every fixed
 * field that its function reads, and what follows the fixed fields is bounded by tag->size.
 */
#include "boot/multiboot2.h"

#include "arch/x86_64/string.h"
#include "boot/mem_map.h"

#define TAG_ALIGN 8
#define TAG_END	  0

struct tag {
	const u8 *bytes;
	u32 size;
};

static u32 get32(const u8 *p)
{
	u32 value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static u64 get64(const u8 *p)
{
	u64 value;

	memcpy(&value, p, sizeof(value));
	return value;
}

/* Length of the text at OFFSET; false if its terminator is not within the tag. */
static bool text_length(const struct tag *tag, u32 offset, size_t *length)
{
	*length = strnlen((const char *)tag->bytes + offset, tag->size - offset);
	return *length < tag->size - offset;
}

static void copy_text(char *dst, const struct tag *tag, u32 offset, size_t length)
{
	for (size_t i = 0; i < length; i++)
		dst[i] = boot_printable(tag->bytes[offset + i]);
	dst[length] = '\0';
}

static const char *parse_cmdline(const struct tag *tag, struct boot_info *out)
{
	size_t length;

	if (!text_length(tag, 8, &length))
		return "multiboot2: command line is not terminated";
	if (length > BOOT_CMDLINE_MAX)
		return "multiboot2: command line is longer than 1023 characters";
	copy_text(out->cmdline, tag, 8, length);
	return NULL;
}

static const char *parse_loader(const struct tag *tag, struct boot_info *out)
{
	size_t length;

	if (!text_length(tag, 8, &length))
		return "multiboot2: loader name is not terminated";
	copy_text(out->loader, tag, 8, min(length, (size_t)BOOT_NAME_MAX));
	return NULL;
}

static const char *parse_module(const struct tag *tag, struct boot_info *out)
{
	u32 start = get32(tag->bytes + 8), end = get32(tag->bytes + 12);
	struct boot_module *module;
	size_t length;

	if (end < start)
		return "multiboot2: a module ends before it starts";
	if (!text_length(tag, 16, &length))
		return "multiboot2: a module's name is not terminated";
	if (length > BOOT_NAME_MAX)
		return "multiboot2: a module's name is longer than 63 characters";
	if (out->nr_modules == BOOT_MAX_MODULES)
		return "multiboot2: more than 16 modules";
	module = &out->module[out->nr_modules++];
	module->base = start;
	module->len = end - start;
	copy_text(module->name, tag, 16, length);
	return NULL;
}

/* Entries may be longer than the 24 bytes known today; what they append is skipped. */
static const char *parse_mem_map(const struct tag *tag, struct boot_info *out)
{
	u32 entry_size = get32(tag->bytes + 8);
	u32 entries_size = tag->size - 16;

	if (entry_size < 24)
		return "multiboot2: memory map: entry size is below 24 bytes";
	if (entry_size % 8)
		return "multiboot2: memory map: entry size is not a multiple of 8";
	if (entries_size % entry_size)
		return "multiboot2: memory map: its size is not a whole number of entries";
	for (u32 offset = 0; offset < entries_size; offset += entry_size) {
		const u8 *entry = tag->bytes + 16 + offset;
		const char *error = mem_map_add(&out->map, get64(entry), get64(entry + 8),
						get32(entry + 16));

		if (error)
			return error;
	}
	return NULL;
}

static const char *parse_framebuffer(const struct tag *tag, struct boot_info *out)
{
	struct boot_framebuffer *fb = &out->framebuffer;
	const u8 *p = tag->bytes;

	fb->phys = get64(p + 8);
	fb->pitch = get32(p + 16);
	fb->width = get32(p + 20);
	fb->height = get32(p + 24);
	fb->bpp = p[28];
	if (p[29] == 2) {
		fb->type = FRAMEBUFFER_TEXT;
	} else if (p[29] == 1) {
		if (tag->size < 38)
			return "multiboot2: framebuffer tag is too short for its colours";
		fb->type = FRAMEBUFFER_RGB;
		fb->red = (struct colour_field){p[32], p[33]};
		fb->green = (struct colour_field){p[34], p[35]};
		fb->blue = (struct colour_field){p[36], p[37]};
	} else {
		fb->ignored = "neither RGB nor text";
	}
	return NULL;
}

/* ACPI 2.0's root pointer is preferred to 1.0's, whichever comes first. */
static const char *parse_rsdp_old(const struct tag *tag, struct boot_info *out)
{
	if (out->rsdp.len == 0) {
		out->rsdp.len = 20;
		memcpy(out->rsdp.bytes, tag->bytes + 8, 20);
	}
	return NULL;
}

static const char *parse_rsdp_new(const struct tag *tag, struct boot_info *out)
{
	out->rsdp.len = BOOT_RSDP_MAX;
	memcpy(out->rsdp.bytes, tag->bytes + 8, BOOT_RSDP_MAX);
	return NULL;
}

static const char *saw_efi(const struct tag *tag, struct boot_info *out)
{
	(void)tag;
	out->firmware = FIRMWARE_UEFI;
	return NULL;
}

/* The EFI tags tell of the firmware by being there; their contents are not used. */
static const struct tag_row {
	u32 type, min_size;
	const char *(*parse)(const struct tag *tag, struct boot_info *out);
	const char *too_short, *twice; /* errors; twice is NULL where a tag may be repeated */
} rows[] = {
	{1, 9, parse_cmdline, "multiboot2: command line tag is too short",
	 "multiboot2: two command line tags"},
	{2, 9, parse_loader, "multiboot2: loader name tag is too short",
	 "multiboot2: two loader name tags"},
	{3, 17, parse_module, "multiboot2: module tag is too short", NULL},
	{6, 16, parse_mem_map, "multiboot2: memory map tag is too short",
	 "multiboot2: two memory map tags"},
	{8, 32, parse_framebuffer, "multiboot2: framebuffer tag is too short",
	 "multiboot2: two framebuffer tags"},
	{11, 8, saw_efi, NULL, NULL},
	{12, 8, saw_efi, NULL, NULL},
	{14, 8 + 20, parse_rsdp_old, "multiboot2: ACPI 1.0 tag is too short",
	 "multiboot2: two ACPI 1.0 tags"},
	{15, 8 + 36, parse_rsdp_new, "multiboot2: ACPI 2.0 tag is too short",
	 "multiboot2: two ACPI 2.0 tags"},
	{17, 8, saw_efi, NULL, NULL},
	{18, 8, saw_efi, NULL, NULL},
	{19, 8, saw_efi, NULL, NULL},
	{20, 8, saw_efi, NULL, NULL},
};

static const char *parse_tag(u32 type, const struct tag *tag, u32 *seen, struct boot_info *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct tag_row *row = &rows[i];

		if (row->type != type)
			continue;
		if (tag->size < row->min_size)
			return row->too_short;
		if (row->twice && *seen & 1U << type)
			return row->twice;
		*seen |= 1U << type;
		return row->parse(tag, out);
	}
	return NULL;
}

static const char *parse_tags(const u8 *info, u32 total, struct boot_info *out)
{
	u32 seen = 0;

	for (u32 offset = 8; total - offset >= 8;) {
		u32 type = get32(info + offset);
		struct tag tag = {info + offset, get32(info + offset + 4)};
		const char *error;

		if (tag.size < 8)
			return "multiboot2: a tag is shorter than its own header";
		if (tag.size > total - offset)
			return "multiboot2: a tag reaches beyond the total size";
		if (type == TAG_END)
			return seen & 1U << 6 ? NULL : "multiboot2: no memory map tag";
		error = parse_tag(type, &tag, &seen, out);
		if (error)
			return error;
		/* The last tag's padding may lie outside: then the end tag is missing. */
		if (ALIGN_UP((u64)tag.size, TAG_ALIGN) > total - offset)
			break;
		offset += ALIGN_UP(tag.size, TAG_ALIGN);
	}
	return "multiboot2: no end tag";
}

const char *multiboot2_parse(const void *info, size_t avail, struct boot_info *out)
{
	const char *error;
	u32 total;

	memset(out, 0, sizeof(*out));
	out->firmware = FIRMWARE_BIOS;
	if (!IS_ALIGNED((uintptr_t)info, TAG_ALIGN))
		return "multiboot2: the information is not aligned to 8 bytes";
	if (avail < 8)
		return "multiboot2: the information has no header";
	total = get32(info);
	if (total < 8)
		return "multiboot2: total size is below the header's 8 bytes";
	if (total > avail)
		return "multiboot2: total size is more than can be read";
	error = parse_tags(info, total, out);
	return error ? error : boot_info_finish(out);
}
