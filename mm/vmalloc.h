/* SPDX-License-Identifier: MIT */
/*
 * The vmalloc area, after Linux 6.5's mm/vmalloc.c: virtually contiguous memory whose freed
 * addresses are collected and flushed together. Guard page after each area, unmapped.
 * Context of every function: no spin lock held, interrupts on (a flush waits for other CPUs).
 */
#pragma once

#include "arch/x86_64/types.h"

struct vmalloc_config {
	bool debug_pagealloc; /* flush at every free, not only at purges */
};

/*
 * Takes over VMALLOC_START..VMALLOC_END in KERNEL_ROOT and makes its top-level tables. Returns
 * false when memory is short. Call once, before roots are copied from KERNEL_ROOT.
 */
bool vmalloc_init(phys_addr_t kernel_root, const struct vmalloc_config *config);

/*
 * SIZE bytes (rounded up to pages) of new frames, contents undefined. NULL when memory or
 * addresses are short, or SIZE is 0. vfree() takes NULL; it panics, naming the address, on one
 * that is not the start of a live vmalloc() area (already freed, made by vmap(), in the middle).
 */
void *vmalloc(size_t size) __must_check;
void vfree(const void *addr);

/*
 * The same at a multiple of 2 MiB if that is 2 MiB or more, and mapped by 2 MiB pages as far as
 * there are blocks of memory for them, by 4 KiB pages from there on. May interrupt every CPU for a
 * flush that no policy defers: see mm/vmap_huge.h. To be undone by vfree(). vunmap_range() must not
 * cut a 2 MiB page.
 */
void *vmalloc_huge(size_t size) __must_check;

/*
 * Maps COUNT frames of the caller one after another. PROT as PAGE_KERNEL of paging.h; panics on
 * PTE_USER (rule R2) and on PTE_PCD or PTE_PWT (rule R10), since flushes here are deferrable.
 * NULL when memory or addresses are short, or COUNT is 0. vunmap() leaves the frames alone.
 */
void *vmap(const phys_addr_t *frames, unsigned int count, u64 prot) __must_check;
void vunmap(const void *addr);

/*
 * vmap() at the lowest fitting place in [vstart, vend), multiples of the page size inside the
 * vmalloc area. The guard page counts: a window of exactly COUNT + 1 pages asks for one address,
 * and gets it unless a live area is there. A lazily freed one is purged; one that is held (below)
 * is as good as a live one. Undone by vunmap().
 */
void *vmap_range(const phys_addr_t *frames, unsigned int count, u64 prot, u64 vstart,
		 u64 vend) __must_check;

/*
 * Unmaps [start, end) of a live area now, and flushes it. The addresses stay with their area; its
 * later vfree() or vunmap() finds holes, which is fine.
 */
void vunmap_range(u64 start, u64 end);

/*
 * Short-lived mappings of the caller's frames, PAGE_KERNEL. Up to VMAP_MAX_ALLOC pages come from a
 * block of the CPU's own, without any tree; more are an ordinary area. vm_unmap_ram() must be given
 * the same count; panics, naming the address, where nothing such is mapped. Any CPU may unmap.
 */
void *vm_map_ram(const phys_addr_t *frames, unsigned int count) __must_check;
void vm_unmap_ram(const void *addr, unsigned int count);

/*
 * Flushes every mapping that was unmapped but not flushed yet: after it no stale translation of
 * the vmalloc area is left (or all are somebody's deferred work). Linux calls it before it changes
 * the attributes of frames.
 */
void vm_unmap_aliases(void);

/*
 * The same for a caller who has [start, end) to flush anyway (FLUSH true): the ranges are joined
 * into one flush. start = ~0UL, end = 0 stands for no range.
 */
void _vm_unmap_aliases(u64 start, u64 end, bool flush);

/*
 * Under a policy that has `lags`, purged addresses and vfree()'s frames are held back until no CPU
 * lags behind their purge. This purges what is lazy, interrupts the laggards and releases all of
 * it. For select_policy(), which no purge may run beside.
 */
void vmalloc_release_all_held(void);

/* Lazily freed pages (guard pages included) above which a free purges: fls(CPUs) * 32 MiB. */
u64 lazy_max_pages(void);

enum vmap_state {
	VMAP_NO_AREA, /* nothing was allocated there, or it is back in the free tree */
	VMAP_LIVE,
	VMAP_LAZY,    /* freed, not flushed yet */
	VMAP_PURGING, /* its flush is on the way */
	VMAP_HELD,    /* flushed, but not by a CPU that may do so later */
	VMAP_UNKNOWN  /* a lock was held: nothing can be said */
};

struct vmap_area_info {
	u64 start, end;	    /* of the area, guard page included */
	const void *caller; /* return address of the call that made it */
	const char *kind;   /* "vmalloc", "vmap", "vm_map_ram", "block" */
};

/*
 * For fault reports: what ADDR belongs to. INFO is filled for LIVE, LAZY, PURGING and HELD.
 * Context: any but noinstr code; never waits for a lock, so it may be asked by a fault within
 * vmalloc itself.
 */
enum vmap_state find_vmap_area(u64 addr, struct vmap_area_info *info);

enum vmap_purge_cause {
	PURGE_THRESHOLD, /* too many lazy pages */
	PURGE_ALIAS,	 /* asked for */
	PURGE_OVERFLOW,	 /* no address, or no memory, for an allocation */
	PURGE_POLICY,	 /* another policy is about to be put in force */
	PURGE_CAUSES
};

/* Counted since vmalloc_init(). All members are u64. */
struct vmalloc_stats {
	u64 nr_lazy;	      /* pages freed and not purged yet, now */
	u64 metadata_frames;  /* frames that hold this code's own structures, now; tables apart */
	u64 metadata_objects; /* structures in them: areas and ranges of free addresses, blocks */
	u64 areas_allocated;  /* blocks of vm_map_ram() included */
	u64 areas_freed;      /* made lazy */
	u64 areas_purged;     /* flushed and back in the free tree */
	u64 purges;	      /* flushes by the lazy purge */
	u64 purges_by[PURGE_CAUSES];
	u64 vunmap_flushes;    /* by vunmap_range() */
	u64 debug_flushes;     /* by frees under debug_pagealloc */
	u64 alias_flushes;     /* by _vm_unmap_aliases() with no lazy area to purge */
	u64 blocks_allocated;  /* blocks made for vm_map_ram() */
	u64 blocks_fragmented; /* blocks given up before they were used up */
	u64 huge_pages;	       /* 2 MiB pages mapped */
	u64 tables_replaced;   /* page tables that were in their way */
	u64 held_pages;	       /* pages of areas that are held, now, guard pages included */
	u64 held_pages_most;   /* the most so far */
	u64 held_frames;       /* frames that vfree() has kept, now: of lazy areas too */
	u64 held_frames_most;
	u64 held_batches; /* purges whose areas are held, now */
	u64 held_batches_ever;
	u64 forced_flushes; /* times that laggards were interrupted (flush_totals.forced_ipis) */
};

struct vmalloc_stats vmalloc_stats(void);
