/* SPDX-License-Identifier: MIT */
/*
 * Physical memory through the direct map. Out of line, so that a host test can put an array of its
 * own behind them. Only memory that the direct map already covers may be dereferenced.
 */
#pragma once

#include "arch/x86_64/types.h"

/* The address at which PA can be read and written. PA below DIRECT_MAP_SIZE. */
void *phys_to_virt(phys_addr_t pa);

/* The inverse, for addresses that phys_to_virt() returned; panics on any other address. */
phys_addr_t virt_to_phys_direct(const void *va);
