/* SPDX-License-Identifier: MIT */
/*
 * Each page opens with a header; its free objects are linked through their first words. What must
 * hold: a page is in the list of partial pages exactly when it has free and used objects.
 */
#include "mm/slab.h"

#include "arch/x86_64/direct_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/string.h"
#include "mm/frames.h"

struct free_object {
	struct free_object *next;
};

struct slab_page {
	struct list_link link; /* of the partial list */
	struct slab *owner;
	struct free_object *free;
	u32 used;
};

#define FIRST_OBJECT ALIGN_UP(sizeof(struct slab_page), (size_t)CACHE_LINE)

static u32 step_of(const struct slab *slab)
{
	return ALIGN_UP(slab->size, (u32)sizeof(u64));
}

void slab_init(struct slab *slab, const char *name, u32 size)
{
	BUG_ON(!size || size > PAGE_SIZE / 4);
	*slab = (struct slab){.name = name, .size = size, .lock = SPINLOCK_INIT};
	list_init(&slab->partial);
}

static struct slab_page *new_page(struct slab *slab)
{
	phys_addr_t frame = frame_alloc();
	struct slab_page *page;
	u64 offset;

	if (!frame)
		return NULL;
	page = phys_to_virt(frame);
	*page = (struct slab_page){.owner = slab};
	list_init(&page->link);
	for (offset = FIRST_OBJECT; offset + slab->size <= PAGE_SIZE; offset += step_of(slab)) {
		struct free_object *object = (void *)((char *)page + offset);

		object->next = page->free;
		page->free = object;
	}
	slab->counts.pages++;
	return page;
}

/* A page with a free object, in the list; NULL without memory. */
static struct slab_page *page_with_room(struct slab *slab)
{
	struct slab_page *page;

	if (!list_empty(&slab->partial))
		return container_of(slab->partial.next, struct slab_page, link);
	page = slab->reserve;
	slab->reserve = NULL;
	if (!page)
		page = new_page(slab);
	if (page)
		list_add(&slab->partial, &page->link);
	return page;
}

void *slab_alloc(struct slab *slab)
{
	struct free_object *object = NULL;
	struct slab_page *page;

	spin_lock(&slab->lock);
	page = page_with_room(slab);
	if (page) {
		object = page->free;
		page->free = object->next;
		page->used++;
		slab->counts.objects++;
		if (!page->free)
			list_remove(&page->link);
	}
	spin_unlock(&slab->lock);
	return object ? memset(object, 0, slab->size) : NULL;
}

void slab_free(struct slab *slab, void *object)
{
	struct slab_page *page = (void *)((u64)object & PAGE_MASK);
	struct slab_page *empty = NULL;

	if (!object)
		return;
	if (page->owner != slab || ((u64)object - (u64)page - FIRST_OBJECT) % step_of(slab))
		panic("slab %s: %p is none of its objects", slab->name, object);
	spin_lock(&slab->lock);
	if (!page->free)
		list_add(&slab->partial, &page->link);
	((struct free_object *)object)->next = page->free;
	page->free = object;
	slab->counts.objects--;
	if (--page->used == 0) {
		list_remove(&page->link);
		if (slab->reserve) {
			slab->counts.pages--;
			empty = page;
		} else {
			slab->reserve = page;
		}
	}
	spin_unlock(&slab->lock);
	if (empty) {
		empty->owner = NULL;
		frame_free(virt_to_phys_direct(empty));
	}
}

struct slab_counts slab_counts(struct slab *slab)
{
	struct slab_counts counts;

	spin_lock(&slab->lock);
	counts = slab->counts;
	spin_unlock(&slab->lock);
	return counts;
}
