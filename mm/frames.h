/* SPDX-License-Identifier: MIT */
/*
 * Physical frames of 4 KiB, all RAM of the machine, one bit each. A frame of data that was freed is
 * the first to be handed out as data again (last in, first out): see frames.c for why.
 * Context of every function: any but noinstr code; safe on all CPUs at once.
 */
#pragma once

#include "arch/x86_64/types.h"

/* Bytes [start, end). Need not be page aligned: RAM is rounded inwards, reservations outwards. */
struct frame_range {
	phys_addr_t start;
	phys_addr_t end;
};

#define FRAMES_MAX_RAM	    256 /* ranges of RAM that frames_init() takes */
#define FRAMES_MAX_RESERVED 64	/* reservations that frames_init() takes */
#define FRAMES_MINIMUM	    MIB(16)

struct frame_counts {
	u64 total; /* frames under management: RAM without reservations and bitmap */
	u64 free;
};

/*
 * Takes over all RAM but the reservations. The bitmap is placed in RAM below REACH, the first
 * physical address that phys_to_virt() cannot yet be used for; no other memory is touched.
 * Ranges may come in any order and may overlap. RAM above the direct map is left out, with a
 * message. Returns NULL, or what is wrong (static text; too little memory names how much is
 * needed). Call once, on one CPU.
 */
const char *frames_init(const struct frame_range *ram, unsigned int nr_ram,
			const struct frame_range *reserved, unsigned int nr_reserved,
			phys_addr_t reach);

/*
 * One frame, contents undefined; 0 when none is left (frame 0 is never handed out). Frames below
 * 1 MiB are given last.
 */
phys_addr_t frame_alloc(void) __must_check;

/*
 * The same for what vmalloc() maps: frames that were data before come first, and the kernel's own
 * structures get those last.
 */
phys_addr_t frame_alloc_data(void) __must_check;

/* frame_alloc(), filled with zeroes through the direct map. */
phys_addr_t frame_alloc_zeroed(void) __must_check;

/* The lowest free frame that ends at or below LIMIT (a physical address); 0 when there is none. */
phys_addr_t frame_alloc_low(phys_addr_t limit) __must_check;

/*
 * COUNT adjoining frames, the first at a multiple of ALIGN bytes (a power of two, at least
 * PAGE_SIZE), at the lowest place above 1 MiB that has them; 0 when there is none. A 2 MiB page
 * is frame_alloc_block(512, PMD_SIZE).
 */
phys_addr_t frame_alloc_block(size_t count, u64 align) __must_check;

/*
 * Gives frames back. Panics, naming the frame, when it is already free ("double free") or is not
 * one of ours ("foreign"). Blocks may be given back whole, in parts or frame by frame.
 */
void frame_free(phys_addr_t frame);
void frame_free_block(phys_addr_t first, size_t count);

struct frame_counts frame_counts(void);
