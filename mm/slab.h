/* SPDX-License-Identifier: MIT */
/*
 * Objects of one size, cut from frames through the direct map; allocation and release are O(1).
 * A frame whose objects are all free goes back to the frame allocator, but for one kept in reserve.
 * Context: any but noinstr code; safe on all CPUs at once. May be called with a lock of the caller
 * held: takes its own and then the frame allocator's.
 */
#pragma once

#include "arch/x86_64/spinlock.h"
#include "arch/x86_64/types.h"
#include "mm/list.h"

struct slab_page;

/* What a slab holds now. */
struct slab_counts {
	u64 objects; /* handed out */
	u64 pages;   /* frames, the reserve included */
};

struct slab {
	const char *name;
	u32 size; /* bytes of an object, at most a quarter of a page */
	spinlock_t lock;
	struct list_link partial;  /* pages with free and used objects */
	struct slab_page *reserve; /* one page of free objects */
	struct slab_counts counts;
};

/* Objects of SIZE bytes, called NAME in messages. Forgets all that SLAB held before. */
void slab_init(struct slab *slab, const char *name, u32 size);

/* An object filled with zeroes; NULL without memory. */
void *slab_alloc(struct slab *slab) __must_check;

/* Gives an object back; NULL is fine. Panics, naming it, if it is not one of SLAB's. */
void slab_free(struct slab *slab, void *object);

/* Context as above. */
struct slab_counts slab_counts(struct slab *slab);
