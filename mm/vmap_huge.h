/* SPDX-License-Identifier: MIT */
/*
 * Inside of vmalloc: 2 MiB pages.
 */
#pragma once

#include "arch/x86_64/types.h"

/*
 * Maps BLOCK, 2 MiB of frames, at ADDR by one entry, PAGE_KERNEL. Both are multiples of 2 MiB, and
 * the 2 MiB at ADDR lie wholly in an area of the caller's. If they were mapped by 4 KiB pages once,
 * their page table is in the way and is replaced: every CPU is interrupted to flush everything,
 * whatever the policy defers. False without memory for tables. Interrupts on, no spin lock held.
 */
bool vmap_huge_page(u64 addr, phys_addr_t block) __must_check;
