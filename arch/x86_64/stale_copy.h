/* SPDX-License-Identifier: MIT */
/*
 * zone=stale: the worst TLB that can exist, after a suggestion of Dave Hansen's. Every CPU has its
 * own copy of the vmalloc area's page tables. A copy keeps an entry that was present until this CPU
 * executes a flush that covers it; a new entry is seen at once, unless the copy still holds an
 * older one. So a translation that the CPU may still use is one that it does use, whether or not it
 * was ever in its TLB: what a CPU may fill by speculation, and what no emulator shows.
 *
 * What a flush covers: INVLPG, its page; a write of CR3, what is not global; __flush_tlb_all(),
 * everything. NOFLUSH covers nothing, PCIDs or not: so with two roots no switch hides a flush that
 * is missing.
 */
#pragma once

#include "arch/x86_64/types.h"

/*
 * Makes the copies and has each CPU run on its own. NULL or what went wrong. Boot CPU, interrupts
 * on, all CPUs idle, nothing mapped in the vmalloc area yet.
 */
const char *stale_copies_init(void);

/* The root that CPU runs on without a task: kernel_root, unless it has a copy. */
phys_addr_t kernel_root_of(unsigned int cpu);

/*
 * This CPU executes a flush: its copy becomes what the live tables are, for what the flush covers.
 * To be called before the hardware's flush. noinstr, any context; either root.
 */
enum stale_cover { STALE_COVER_ALL, STALE_COVER_NON_GLOBAL };
void stale_copy_sync(enum stale_cover cover);
void stale_copy_sync_page(u64 addr);

/*
 * The exception: [start, start + len) is taken from the live tables, and flushed, on this CPU. It
 * must have a copy. Interrupts off.
 */
void stale_copy_exempt(u64 start, u64 len);
