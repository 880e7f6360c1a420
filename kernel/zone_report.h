/* SPDX-License-Identifier: MIT */
/*
 * What is said of the danger zone: the mode's name, and how a CPU came to where it is.
 */
#pragma once

#include "arch/x86_64/types.h"
#include "arch/x86_64/zone.h"

/* "off", "trap", "stale". */
const char *zone_word(enum zone_mode mode);

/*
 * zone=trap: this CPU's way through its last doors, the newest last, as one line of at most SIZE
 * bytes. "exit 16, enter 17, exit 17, NMI 18": the numbers count its entries. Any context.
 */
void zone_history(char *buf, size_t size);

/* "danger_zone_begin+0x3", "exit_zone_begin+0x14", or "" where RIP is in neither window. */
void zone_place(char *buf, size_t size, u64 rip);
