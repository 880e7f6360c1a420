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

bool frame_list_fill(struct frame_list *list, u64 count)
{
	struct frame_chunk **link = &list->chunks;
	phys_addr_t *slot = list->first;
	phys_addr_t *end = slot + FRAME_LIST_INLINE;

	list->count = 0;
	list->chunks = NULL;
	while (list->count < count) {
		if (slot == end) {
			phys_addr_t page = frame_alloc();

			if (!page)
				break;
			*link = phys_to_virt(page);
			slot = (*link)->frames;
			end = slot + CHUNK_FRAMES;
			link = &(*link)->next;
			*link = NULL;
		}
		*slot = frame_alloc_data();
		if (!*slot)
			break;
		slot++;
		list->count++;
	}
	if (list->count == count)
		return true;
	frame_list_release(list);
	return false;
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
	list->count = 0;
	list->chunks = NULL;
}
