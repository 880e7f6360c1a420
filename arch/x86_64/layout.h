/* SPDX-License-Identifier: MIT */
/*
 * Where everything lies in the 48-bit linear address space. The areas are the ones of Linux's
 * x86-64 memory map where it has them, so that an address in a log means what a reader expects.
 *
 *  PML4 slot   from                  to (exclusive)
 *    0..255    0000000000000000      00007ffffffff000     ring 3 (the last page stays unmapped:
 *                                                         a SYSCALL there would return to a
 *                                                         non-canonical address)
 *              0000800000000000      ffff800000000000     non-canonical
 *  256..272    ffff800000000000      ffff888000000000     nothing
 *  273..400    ffff888000000000      ffffc88000000000     direct map of physical memory, 64 TiB
 *     401      ffffc88000000000      ffffc90000000000     nothing: a hole below vmalloc
 *  402..465    ffffc90000000000      ffffe90000000000     vmalloc, 32 TiB: the only mappings whose
 *                                                         flush may be deferred
 *  466..507    ffffe90000000000      fffffe0000000000     nothing
 *     508      fffffe0000000000      fffffe8000000000     CPU entry areas (stacks, GDT, TSS)
 *     509      fffffe8000000000      ffffff0000000000     kernel stacks with guard pages
 *     510      ffffff0000000000      ffffff8000000000     nothing
 *     511      ffffffff80000000      ffffffffc0000000     kernel image, linked here
 *     511      ffffffffc0000000      fffffffffff00000     device memory (APICs, frame buffer)
 */
#pragma once

#define USER_END 0x00007ffffffff000UL

#define DIRECT_MAP_BASE 0xffff888000000000UL
#define DIRECT_MAP_SIZE (64UL << 40)

#define VMALLOC_START 0xffffc90000000000UL
#define VMALLOC_END   0xffffe90000000000UL
#define VMALLOC_SLOT  (VMALLOC_START >> 39 & 511) /* the first of its top-level entries */
#define VMALLOC_SLOTS ((VMALLOC_END - VMALLOC_START) >> 39)

#define CPU_AREA_BASE 0xfffffe0000000000UL
#define CPU_AREA_SIZE (1UL << 39)

#define KSTACK_BASE 0xfffffe8000000000UL
#define KSTACK_SIZE (1UL << 39)

#define KERNEL_BASE 0xffffffff80000000UL

#define IO_BASE 0xffffffffc0000000UL
#define IO_END	0xfffffffffff00000UL
