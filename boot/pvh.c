/* SPDX-License-Identifier: MIT */
/*
 * The PVH parser. The structures are scattered over physical memory, so each is copied through the
 * caller's map function before it is looked at; an address that cannot be mapped is an error that
 * names what should have been there. By the interface's definition address 0 means "not given".
 */
#include "boot/pvh.h"

#include "arch/x86_64/string.h"
#include "boot/mem_map.h"

#define PVH_MAGIC 0x336ec578

struct pvh_start_info {
	u32 magic;
	u32 version;
	u32 flags;
	u32 nr_modules;
	u64 modules;
	u64 cmdline;
	u64 rsdp;
	/* From version 1 on: */
	u64 mem_map;
	u32 mem_map_entries;
	u32 reserved;
};

struct pvh_module {
	u64 base;
	u64 len;
	u64 cmdline;
	u64 reserved;
};

struct pvh_mem_range {
	u64 base;
	u64 len;
	u32 type;
	u32 reserved;
};

_Static_assert(sizeof(struct pvh_start_info) == 56, "as the interface has it");
_Static_assert(sizeof(struct pvh_module) == 32, "as the interface has it");
_Static_assert(sizeof(struct pvh_mem_range) == 24, "as the interface has it");

typedef const void *(*map_fn)(phys_addr_t phys, size_t len);

static bool copy_in(map_fn map, void *dst, phys_addr_t phys, size_t len)
{
	const void *src = phys + len < phys ? NULL : map(phys, len);

	if (!src)
		return false;
	memcpy(dst, src, len);
	return true;
}

enum text { TEXT_OK, TEXT_UNREADABLE, TEXT_LONG };

/*
 * Copies the text at PHYS, of at most MAX characters, to DST, which holds MAX + 1. Its length is
 * not known before it is read, so no more than the rest of a page is mapped at a time.
 */
static enum text copy_text(map_fn map, char *dst, size_t max, phys_addr_t phys)
{
	size_t done = 0;

	while (done <= max) {
		size_t len = min(max + 1 - done, (size_t)(PAGE_SIZE - phys % PAGE_SIZE));
		const u8 *src = phys + len < phys ? NULL : map(phys, len);

		if (!src)
			return TEXT_UNREADABLE;
		for (size_t i = 0; i < len; i++, done++) {
			if (src[i] == '\0') {
				dst[done] = '\0';
				return TEXT_OK;
			}
			dst[done] = boot_printable(src[i]);
		}
		phys += len;
	}
	return TEXT_LONG;
}

static const char *parse_cmdline(map_fn map, phys_addr_t phys, struct boot_info *out)
{
	if (!phys)
		return NULL;
	switch (copy_text(map, out->cmdline, BOOT_CMDLINE_MAX, phys)) {
	case TEXT_UNREADABLE:
		return "pvh: command line cannot be read";
	case TEXT_LONG:
		return "pvh: command line is longer than 1023 characters";
	case TEXT_OK:
		break;
	}
	return NULL;
}

static const char *parse_module(map_fn map, const struct pvh_module *given, struct boot_info *out)
{
	struct boot_module *module = &out->module[out->nr_modules++];

	module->base = given->base;
	module->len = given->len;
	if (!given->cmdline)
		return NULL;
	switch (copy_text(map, module->name, BOOT_NAME_MAX, given->cmdline)) {
	case TEXT_UNREADABLE:
		return "pvh: a module's name cannot be read";
	case TEXT_LONG:
		return "pvh: a module's name is longer than 63 characters";
	case TEXT_OK:
		break;
	}
	return NULL;
}

static const char *parse_modules(map_fn map, phys_addr_t phys, u32 nr, struct boot_info *out)
{
	if (nr > BOOT_MAX_MODULES)
		return "pvh: more than 16 modules";
	for (u32 i = 0; i < nr; i++) {
		struct pvh_module module;
		const char *error;

		if (!phys || !copy_in(map, &module, phys + i * sizeof(module), sizeof(module)))
			return "pvh: module list cannot be read";
		error = parse_module(map, &module, out);
		if (error)
			return error;
	}
	return NULL;
}

/* The count is limited before the loop: entries that are dropped would not fill the map. */
static const char *parse_mem_map(map_fn map, phys_addr_t phys, u32 nr, struct boot_info *out)
{
	if (nr > BOOT_MAX_RANGES)
		return "pvh: memory map: more than 256 entries";
	for (u32 i = 0; i < nr; i++) {
		struct pvh_mem_range range;
		const char *error;

		if (!phys || !copy_in(map, &range, phys + i * sizeof(range), sizeof(range)))
			return "pvh: memory map cannot be read";
		error = mem_map_add(&out->map, range.base, range.len, range.type);
		if (error)
			return error;
	}
	return NULL;
}

const char *pvh_parse(phys_addr_t start_info, const void *(*map)(phys_addr_t phys, size_t len),
		      struct boot_info *out)
{
	static const char loader[] = "PVH";
	struct pvh_start_info info;
	const char *error;

	memset(out, 0, sizeof(*out));
	out->firmware = FIRMWARE_PVH;
	memcpy(out->loader, loader, sizeof(loader));

	/* Magic and version first: version 0 ends before the memory map. */
	memset(&info, 0, sizeof(info));
	if (!copy_in(map, &info, start_info, 8))
		return "pvh: start information cannot be read";
	if (info.magic != PVH_MAGIC)
		return "pvh: start information has a wrong magic number";
	if (info.version == 0)
		return "pvh: start information of version 0 has no memory map, 1 is needed";
	if (!copy_in(map, &info, start_info, sizeof(info)))
		return "pvh: start information is cut off";

	out->rsdp.phys = info.rsdp;
	error = parse_cmdline(map, info.cmdline, out);
	if (!error)
		error = parse_modules(map, info.modules, info.nr_modules, out);
	if (!error)
		error = parse_mem_map(map, info.mem_map, info.mem_map_entries, out);
	return error ? error : boot_info_finish(out);
}
