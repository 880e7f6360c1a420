/* SPDX-License-Identifier: MIT */
/*
 * Inside of vmalloc: one area of addresses, and its way through life.
 *
 *	free tree --alloc_vmap_area()--> busy tree --unlink_vmap_area()--> the freeing CPU's
 *	    ^                                                                     |
 *	    |                                                    free_vmap_area_noflush()
 *	    |                                                                     v
 *	    +--release_vmap_areas()-- batch <--__purge_vmap_area_lazy()------- lazy tree
 *	    ^			       |
 *	    +--vmap_release_held()-- held batches, under a policy that has `lags` (vmap_hold.h)
 *
 * Each tree has a lock of its own and no two are ever held at once. An area in nobody's tree is
 * touched only by the CPU that took it out. Flushes happen on the way from lazy to free, with no
 * lock held but the purge lock.
 */
#pragma once

#include "arch/x86_64/spinlock.h"
#include "mm/area_tree.h"
#include "mm/frame_list.h"
#include "mm/vmalloc.h"

struct vmap_block;

enum vmap_kind { VMAP_KIND_VMALLOC, VMAP_KIND_VMAP, VMAP_KIND_RAM, VMAP_KIND_BLOCK };

/* A free range of addresses has one too, of which only NODE counts. */
struct vmap_area {
	struct area_node node; /* start, end: guard page included, Linux's va_start and va_end */
	enum vmap_kind kind;
	u64 nr_pages; /* usable, without the guard page */
	const void *caller;
	struct frame_list frames; /* VMALLOC: to be given back by vfree(), or when the area is
				     released if the policy has `lags`. Others: empty */
	struct vmap_block *block; /* BLOCK only */
};

/* Set by vmalloc_init(), constant afterwards. */
extern phys_addr_t vmalloc_root;
extern bool vmalloc_debug_pagealloc;

extern struct vmalloc_stats vmap_counts;

static inline void vmap_count(u64 *counter, u64 n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* All addresses free, all counters 0. False without memory. */
bool vmap_area_init(void);

/*
 * Takes SIZE bytes (multiples of the page size, guard page included) at a multiple of ALIGN from
 * [vstart, vend), lowest first, and enters them as a live area. When there is no such place, the
 * lazy areas are purged and it is tried once more. NULL without addresses or memory.
 */
struct vmap_area *alloc_vmap_area(u64 size, u64 align, u64 vstart, u64 vend, enum vmap_kind kind,
				  const void *caller) __must_check;

/* The live area that contains ADDR, or NULL. Good for as long as nobody may free that area. */
struct vmap_area *find_live_vmap_area(u64 addr);

/*
 * Takes the live area that starts at ADDR out of the busy tree. Panics, in the name of WHO, if
 * there is none, or it is of another kind, or (NR_PAGES not 0) has another number of pages.
 */
struct vmap_area *unlink_vmap_area(u64 addr, enum vmap_kind kind, u64 nr_pages, const char *who);

/*
 * Areas that were flushed: gives addresses back to the free tree, frames that are still there to
 * the allocator, structures to their slab.
 */
void release_vmap_areas(struct area_tree *areas);

/* Maps COUNT frames at ADDR. False without memory for tables: what was mapped stays mapped. */
bool vmap_frames(u64 addr, const phys_addr_t *frames, u64 count, u64 prot) __must_check;

/* Panics with WHO(ADDR), WRONG, and what area ADDR lies in. */
_Noreturn void vmap_panic(const char *who, u64 addr, const char *wrong);

/* Fills INFO from VA. */
void describe_vmap_area(const struct vmap_area *va, struct vmap_area_info *info);

/* Takes LOCK within a few tries or not at all: for reports by CPUs that may hold it themselves. */
bool vmap_report_lock(spinlock_t *lock);

/* find_vmap_area() for the live areas; VMAP_NO_AREA if it is none. */
enum vmap_state find_vmap_area_live(u64 addr, struct vmap_area_info *info);

static inline struct vmap_area *vmap_area_of(struct area_node *node)
{
	return node ? container_of(node, struct vmap_area, node) : NULL;
}
