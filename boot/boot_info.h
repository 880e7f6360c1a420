/* SPDX-License-Identifier: MIT */
/*
 * What the kernel wants to know of the machine's start, whoever started it (boot/multiboot2.h,
 * boot/pvh.h). Everything is copied out of the loader's memory, which may be reused afterwards;
 * all text is printable ASCII (other bytes have become '?') and terminated.
 */
#pragma once

#include "arch/x86_64/types.h"

#define BOOT_CMDLINE_MAX 1023 /* characters; a longer command line is refused */
#define BOOT_NAME_MAX	 63   /* of the loader (longer: cut) and of a module (longer: refused) */
#define BOOT_MAX_MODULES 16
#define BOOT_MAX_RANGES	 256
#define BOOT_RSDP_MAX	 36

enum firmware { FIRMWARE_BIOS, FIRMWARE_UEFI, FIRMWARE_PVH };

/* In rising strength: where the firmware's ranges overlap, the later kind holds. */
enum mem_kind { MEM_RAM, MEM_ACPI_RECLAIMABLE, MEM_ACPI_NVS, MEM_RESERVED, MEM_BAD };

struct mem_range {
	phys_addr_t base;
	u64 len;
	enum mem_kind kind;
};

/* Sorted by address, disjoint, no two neighbours of one kind touch, no range is empty. */
struct mem_map {
	struct mem_range range[BOOT_MAX_RANGES];
	u32 nr;
	u32 dropped; /* ranges of the firmware that were empty or reached beyond 52 address bits */
};

struct boot_module {
	phys_addr_t base;
	u64 len;
	char name[BOOT_NAME_MAX + 1];
};

/* ACPI's root pointer: len bytes of it are in bytes[], or else it lies at phys, or (both 0) none.
 */
struct boot_rsdp {
	u8 bytes[BOOT_RSDP_MAX];
	u32 len;
	phys_addr_t phys;
};

enum framebuffer_type { FRAMEBUFFER_NONE, FRAMEBUFFER_RGB, FRAMEBUFFER_TEXT };

struct colour_field {
	u8 position, size; /* in bits, position counted from bit 0 */
};

/*
 * RGB: width and height are in pixels; TEXT: in characters of two bytes each. The pitch is in
 * bytes, lines do not overlap, every colour lies within a pixel, no address leaves 52 bits.
 */
struct boot_framebuffer {
	enum framebuffer_type type;
	phys_addr_t phys;
	u32 pitch, width, height;
	u8 bpp;
	struct colour_field red, green, blue;
	const char *ignored; /* why the loader's framebuffer cannot be used, if so (type NONE) */
};

struct boot_info {
	enum firmware firmware;
	char loader[BOOT_NAME_MAX + 1];
	char cmdline[BOOT_CMDLINE_MAX + 1];
	struct mem_map map;
	struct boot_module module[BOOT_MAX_MODULES];
	u32 nr_modules;
	struct boot_rsdp rsdp;
	struct boot_framebuffer framebuffer;
};

/* How a byte of the loader's text is kept. */
static inline char boot_printable(u8 byte)
{
	if (byte == '\t')
		return ' ';
	return byte >= ' ' && byte <= '~' ? (char)byte : '?';
}

/*
 * The last step of every parser: resolves the memory map, demands that the modules lie in RAM, and
 * sets a framebuffer that cannot be used to NONE, with the reason. Returns NULL or an error text.
 */
const char *boot_info_finish(struct boot_info *info);
