/* SPDX-License-Identifier: MIT */
/*
 * What must hold: frames [0, count) of the list are taken; those from FRAME_LIST_INLINE on lie in
 * the chunks in order, every chunk but the last one full.
 */
#include "mm/frame_list.h"

#include "arch/x86_64/direct_map.h"
#include "mm/frames.h"

#define CHUNK_FRAMES (PAGE_SIZE / sizeof(phys_addr_t) - 1)

struct frame_chunk {
	struct frame_chunk *next;
	phys_addr_t frames[CHUNK_FRAMES];
};

_Static_assert(sizeof(struct frame_chunk) == PAGE_SIZE, "a chunk is a page");

/* Where the next frame goes. */
struct cursor {
	phys_addr_t *slot, *end;
	struct frame_chunk **link;
};

static struct cursor begin(struct frame_list *list)
{
	list->count = list->blocks = 0;
	list->chunks = NULL;
	return (struct cursor){list->first, list->first + FRAME_LIST_INLINE, &list->chunks};
}

/* Sees to a free slot. False without memory for a chunk. */
static bool make_room(struct cursor *at)
{
	phys_addr_t page;

	if (at->slot != at->end)
		return true;
	page = frame_alloc();
	if (!page)
		return false;
	*at->link = phys_to_virt(page);
	at->slot = (*at->link)->frames;
	at->end = at->slot + CHUNK_FRAMES;
	at->link = &(*at->link)->next;
	*at->link = NULL;
	return true;
}

static void append(struct frame_list *list, struct cursor *at, phys_addr_t frame)
{
	*at->slot++ = frame;
	list->count++;
}

static bool append_frame(struct frame_list *list, struct cursor *at)
{
	phys_addr_t frame = make_room(at) ? frame_alloc_data() : 0;

	if (frame)
		append(list, at, frame);
	return frame;
}

/* False without a block; the frames of one for which there is no chunk go back. */
static bool append_block(struct frame_list *list, struct cursor *at)
{
	phys_addr_t block = frame_alloc_block(FRAME_BLOCK, PMD_SIZE);
	u64 done;

	for (done = 0; block && done < FRAME_BLOCK; done++) {
		if (!make_room(at)) {
			frame_free_block(block + done * PAGE_SIZE, FRAME_BLOCK - done);
			return false;
		}
		append(list, at, block + done * PAGE_SIZE);
	}
	return block;
}

static bool fill(struct frame_list *list, struct cursor *at, u64 count)
{
	while (list->count < count) {
		if (!append_frame(list, at)) {
			frame_list_release(list);
			return false;
		}
	}
	return true;
}

bool frame_list_fill(struct frame_list *list, u64 count)
{
	struct cursor at = begin(list);

	return fill(list, &at, count);
}

bool frame_list_fill_blocks(struct frame_list *list, u64 count)
{
	struct cursor at = begin(list);

	while (list->count + FRAME_BLOCK <= count && append_block(list, &at))
		list->blocks++;
	return fill(list, &at, count);
}

int frame_list_for_each(const struct frame_list *list,
			int (*visit)(void *ctx, u64 index, phys_addr_t frame), void *ctx)
{
	const struct frame_chunk *chunk = list->chunks;
	u64 in_chunk = 0, index;
	int error = 0;

	for (index = 0; index < list->count && !error; index++) {
		if (index < FRAME_LIST_INLINE) {
			error = visit(ctx, index, list->first[index]);
			continue;
		}
		error = visit(ctx, index, chunk->frames[in_chunk]);
		if (++in_chunk == CHUNK_FRAMES) {
			chunk = chunk->next;
			in_chunk = 0;
		}
	}
	return error;
}

static int release_one(void *ctx, u64 index, phys_addr_t frame)
{
	(void)ctx;
	(void)index;
	frame_free(frame);
	return 0;
}

void frame_list_release(struct frame_list *list)
{
	struct frame_chunk *chunk = list->chunks;

	frame_list_for_each(list, release_one, NULL);
	while (chunk) {
		struct frame_chunk *next = chunk->next;

		frame_free(virt_to_phys_direct(chunk));
		chunk = next;
	}
	list->count = list->blocks = 0;
	list->chunks = NULL;
}
