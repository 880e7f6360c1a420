/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own page tables: the image with W^X by section, the direct map, the CPU areas,
 * kernel stacks and device memory. All global.
 */
#pragma once

#include "arch/x86_64/types.h"

/* Physical address of the kernel's root table; tasks copy its upper half. */
extern phys_addr_t kernel_root;

struct phys_range {
	phys_addr_t start, end;
};

/*
 * Builds the kernel root over RAM (page-aligned inwards) and loads it on the boot CPU. Returns NULL
 * or what went wrong. Needs frames and features; boot CPU, once.
 */
const char *kernel_map_init(const struct phys_range *ram, unsigned int nr_ram);

/*
 * Makes sure that [pa, pa + len) can be read through the direct map: firmware tables lie outside
 * RAM. NULL when it is beyond the direct map or memory is short. Boot CPU.
 */
const void *direct_map_firmware(phys_addr_t pa, size_t len);

/* Maps device memory, uncached or write-combining. NULL when the window is full. Boot CPU. */
void *io_map(phys_addr_t pa, u64 len, bool write_combining);

/*
 * Makes a kernel stack of KSTACK_BYTES with an unmapped page below and above it; it is never
 * unmapped. Returns its top, 0 when memory is short. Any CPU.
 */
#define KSTACK_BYTES 0x4000UL
u64 kernel_stack_alloc(void);

/*
 * Memory for what lives as long as the machine; defined in mm/boot_frames.c. boot_alloc_frames():
 * COUNT adjoining zeroed frames; boot_alloc_low(): one frame below 1 MiB. 0: there is none.
 */
phys_addr_t boot_alloc_frames(size_t count);
/* Two zeroed frames at a multiple of 8 KiB: so that no root looks like ring 3's (roots.h). */
phys_addr_t boot_alloc_root_pair(void);
phys_addr_t boot_alloc_low(void);
