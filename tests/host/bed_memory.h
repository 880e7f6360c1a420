/* SPDX-License-Identifier: MIT */
/*
 * Physical memory for host tests: an array that phys_to_virt() and virt_to_phys_direct() reach.
 * Link tests/host/bed_memory.c instead of arch/x86_64/direct_map.c. Pages that nobody touches cost
 * nothing, so an array of many GiB is fine.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "arch/x86_64/direct_map.h"

/* Gives the machine BYTES of zeroed physical memory from address 0 on; what was there is lost. */
void fake_memory_init(u64 bytes);
void fake_memory_free(void);

/* Whether the page at PA was ever written or read since fake_memory_init(). */
bool fake_memory_touched(phys_addr_t pa);

/* The number of touched pages in [start, end). */
u64 fake_memory_count_touched(phys_addr_t start, phys_addr_t end);
