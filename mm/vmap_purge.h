/* SPDX-License-Identifier: MIT */
/*
 * Inside of vmalloc: from unmapping to reuse. Freed areas wait in the lazy tree; a purge flushes
 * them together and gives their addresses back.
 */
#pragma once

#include "mm/vmap_area.h"

void vmap_purge_init(void);

/*
 * The end of an area that unlink_vmap_area() took out: unmaps it, frees vfree()'s frames, and
 * makes it lazy. Purges when that exceeds lazy_max_pages().
 */
void free_unmap_vmap_area(struct vmap_area *va);

/* The same for an area in which nothing is mapped any more. */
void free_vmap_area_noflush(struct vmap_area *va);

/*
 * Addresses have run out: purges all lazy areas, gives up blocks that hold nothing live, and
 * releases what is held but need not be.
 */
void reclaim_and_purge_vmap_areas(void);

/*
 * Memory has run out: the same for frames, laggards forced if there is no other way. False, nothing
 * done, if no frames are at rest or COUNT would not be free even then.
 */
bool reclaim_held_frames(u64 count);

/* Pages of areas that are freed and not yet purged, guard pages included. */
u64 vmap_nr_lazy(void);

/* find_vmap_area() for areas that are lazy or being purged; VMAP_NO_AREA if it is neither. */
enum vmap_state find_vmap_area_lazy(u64 addr, struct vmap_area_info *info);
