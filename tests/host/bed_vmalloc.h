/* SPDX-License-Identifier: MIT */
/*
 * A machine for vmalloc on the host: memory, a kernel root, page tables that are counted and may be
 * refused, CPUs by number, flushes that are written down instead of being executed, and a policy
 * under which CPUs may lag. With
 * `mm/vmalloc.c mm/vmap_*.c mm/area_*.c mm/slab.c mm/frame*.c arch/x86_64/paging*.c` and
 * bed_memory.c it makes a whole vmalloc area.
 */
#pragma once

#include <stdbool.h>

#include "arch/x86_64/paging.h"
#include "mm/frames.h"
#include "mm/vmalloc.h"

/* Starts a machine of BYTES of memory, all of it new. */
void bed_start(u64 bytes, bool debug_pagealloc);
void bed_stop(void);

extern phys_addr_t bed_root;
extern unsigned int bed_online_cpus;

/* The CPU that the calling thread is. */
extern __thread unsigned int bed_cpu;

/* Page tables made and given back, by all CPUs; refused once BED_TABLES_LEFT is 0 (-1: never). */
extern u64 bed_tables_made, bed_tables_released;
extern int bed_tables_left;

/* --- Flushes --- */

struct bed_flush {
	u64 start, end;
};

#define BED_MAX_FLUSHES 64
extern struct bed_flush bed_flushes[BED_MAX_FLUSHES]; /* since the last bed_forget_flushes() */
extern unsigned int bed_nr_flushes;
void bed_forget_flushes(void);

/* False: flushes are not written down (threads flush at the same time). */
extern bool bed_keep_flushes;

/* Flushes for page tables: how many, and the newest of all flushes' numbers. */
extern u64 bed_pgtable_flushes, bed_generation;

/* Called in every flush, before it is written down; NULL: nothing. */
extern void (*bed_in_flush)(u64 start, u64 end);

/* --- Quarantine --- */

/* True: the policy in force has `lags`: a CPU lags behind what it has not covered. */
void bed_let_cpus_lag(bool lag);

/* The newest flush that each CPU has executed, and all before it. Starts at 0. */
#define BED_CPUS 8
extern u64 bed_covered[BED_CPUS];

/* CPU executes all flushes issued so far. Any thread. */
void bed_catch_up(unsigned int cpu);

/* Calls of flush_tlb_laggards(), each with the CPUs that were interrupted. */
extern u64 bed_forced, bed_forced_cpus;

/* --- Looking from outside --- */

/*
 * The frame that VA is mapped to by a walk of this file's own, 0 if none. *flags may be NULL; in a
 * 2 MiB page they have bit 7.
 */
phys_addr_t bed_frame_at(u64 va, u64 *flags);

/* Frames in use beside tables and vmalloc's own structures: what live vmalloc() areas hold. */
u64 bed_frames_in_areas(void);

/* Pages of frame numbers that a vmalloc() area of PAGES pages needs, see mm/frame_list.h. */
u64 bed_chunks_of(u64 pages);
