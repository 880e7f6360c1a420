/* SPDX-License-Identifier: MIT */
/*
 * Inside of vmalloc: the quarantine. Under a policy that has `lags` (mm/policy/policy.h), addresses
 * that were purged, and the frames of vfree(), rest until no online CPU lags behind their purge.
 * Every function that moves or releases a batch is called under the purge lock, interrupts on.
 */
#pragma once

#include "mm/policy/policy.h"
#include "mm/vmap_area.h"

/*
 * Most frames at rest: half of memory, 256 MiB at most. What makes a purge when lazy areas have
 * as many, and forces the laggards when held ones do. Addresses cost only their struct vmap_area,
 * so they may be VMAP_HOLD_PAGES_PER_FRAME times as many pages.
 */
#define VMAP_HOLD_FRAMES_SHARE	  2
#define VMAP_HOLD_FRAMES_MAX	  (MIB(256) / PAGE_SIZE)
#define VMAP_HOLD_PAGES_PER_FRAME 8

/* Nothing held; the bound is computed. Once, after frames_init(). */
void vmap_hold_init(void);

static inline bool vmap_holds(void)
{
	return flush_policy->lags;
}

/* The most that was held is from now on counted anew: for the next policy. Under the purge lock. */
void vmap_hold_forget(void);

/* Frames that stay with areas which are lazy, being purged, or held: one more area has COUNT. */
void vmap_frames_rest(u64 count);
void vmap_frames_released(u64 count);
u64 vmap_frames_at_rest(void);

/* Whether more frames are at rest than may be. A full barrier. */
bool vmap_too_many_at_rest(void);

/* Takes the areas of purge GENERATION, PAGES pages in all; AREAS is empty then. */
void vmap_hold(struct area_tree *areas, u64 pages, u64 generation);

/*
 * Releases every batch behind which no CPU lags. If too much is held then, or FORCE says so, the
 * laggards are interrupted, and all is released.
 */
void vmap_release_held(bool force);

/* The held area that contains ADDR: fills INFO and says VMAP_HELD, or VMAP_NO_AREA. */
enum vmap_state find_vmap_area_held(u64 addr, struct vmap_area_info *info);

/* Fills in the held_ members. */
void vmap_hold_stats(struct vmalloc_stats *stats);
