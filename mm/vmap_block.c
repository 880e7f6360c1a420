/* SPDX-License-Identifier: MIT */
/*
 * What must hold: an unmapped page of a block is within [dirty_min, dirty_max) until a flush that
 * covers it was taken over by its collector; no page of a block is handed out twice in the block's
 * life. One lock a CPU's queue guards its blocks; other CPUs come only to unmap and to purge.
 */
#include "mm/vmap_block.h"

#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "mm/list.h"
#include "mm/tlbflush.h"
#include "mm/vmap_block_map.h"
#include "mm/vmap_purge.h"

struct vmap_block {
	struct vmap_area *va;
	struct vmap_block_queue *queue;
	struct list_link all;	   /* in queue->all for as long as it lives */
	struct list_link room;	   /* in queue->room while free is not 0 */
	u32 free;		   /* pages never handed out: the last ones */
	u32 dirty;		   /* pages handed out and unmapped again */
	u32 dirty_min, dirty_max;  /* the unflushed ones lie in between; min > max: none */
	struct vmap_block_map map; /* handed out, not unmapped */
};

struct vmap_block_queue {
	spinlock_t lock;
	struct list_link all, room;
};

static struct vmap_block_queue queues[MAX_CPUS];
static struct slab block_slab;

void vmap_block_init(void)
{
	unsigned int cpu;

	slab_init(&block_slab, "vmap_block", sizeof(struct vmap_block));
	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		list_init(&queues[cpu].all);
		list_init(&queues[cpu].room);
	}
}

struct slab_counts vmap_block_counts(void)
{
	return slab_counts(&block_slab);
}

/* COUNT as the power of two pages that are taken for it, so that blocks fill without gaps. */
static u32 rounded(unsigned int count)
{
	return count <= 1 ? 1 : 1U << (32 - __builtin_clz(count - 1));
}

/* The next COUNT pages of a block. Under the queue's lock. */
static void *take_pages(struct vmap_block *vb, u32 count)
{
	u32 first = VMAP_BBMAP_BITS - vb->free;

	vb->free -= count;
	block_map_mark(&vb->map, first, count, true);
	if (!vb->free)
		list_remove(&vb->room);
	return (void *)(vb->va->node.start + first * PAGE_SIZE);
}

static void *new_vmap_block(struct vmap_block_queue *queue, u32 count, const void *caller)
{
	struct vmap_block *vb = slab_alloc(&block_slab);
	void *addr;

	if (!vb)
		return NULL;
	vb->va = alloc_vmap_area(VMAP_BLOCK_SIZE, VMAP_BLOCK_SIZE, VMALLOC_START, VMALLOC_END,
				 VMAP_KIND_BLOCK, caller);
	if (!vb->va) {
		slab_free(&block_slab, vb);
		return NULL;
	}
	vb->va->block = vb;
	vb->va->nr_pages = VMAP_BBMAP_BITS;
	vb->queue = queue;
	vb->free = VMAP_BBMAP_BITS;
	vb->dirty_min = VMAP_BBMAP_BITS;
	vmap_count(&vmap_counts.blocks_allocated, 1);
	spin_lock(&queue->lock);
	list_add(&queue->all, &vb->all);
	list_add(&queue->room, &vb->room);
	addr = take_pages(vb, count);
	spin_unlock(&queue->lock);
	return addr;
}

static void *vb_alloc(u32 count, const void *caller)
{
	struct vmap_block_queue *queue = &queues[this_cpu_number()];
	void *addr = NULL;

	spin_lock(&queue->lock);
	list_for_each (link, &queue->room) {
		struct vmap_block *vb = container_of(link, struct vmap_block, room);

		if (vb->free >= count) {
			addr = take_pages(vb, count);
			break;
		}
	}
	spin_unlock(&queue->lock);
	return addr ? addr : new_vmap_block(queue, count, caller);
}

/* A block out of its lists, all of it dirty and unmapped: its whole area becomes lazy. */
static void free_vmap_block(struct vmap_block *vb)
{
	struct vmap_area *va = unlink_vmap_area(vb->va->node.start, VMAP_KIND_BLOCK, 0, "vb_free");

	slab_free(&block_slab, vb);
	free_vmap_area_noflush(va);
}

/*
 * Unmaps one mapping of a block. The pages become dirty only once their PTEs are clear: an alias
 * purge that came in between would take them for flushed while a CPU could still load them.
 */
static void vb_free(struct vmap_block *vb, u64 addr, unsigned int count)
{
	u32 first = (u32)((addr - vb->va->node.start) / PAGE_SIZE);
	struct vmap_block_queue *queue = vb->queue;
	u64 end = addr + count * PAGE_SIZE;
	u32 pages = rounded(count);
	bool whole;

	spin_lock(&queue->lock);
	if (!block_map_has(&vb->map, first, pages)) {
		spin_unlock(&queue->lock);
		vmap_panic("vm_unmap_ram", addr, "no mapping of that many pages starts there");
	}
	block_map_mark(&vb->map, first, pages, false);
	spin_unlock(&queue->lock);

	unmap_range_noflush(vmalloc_root, addr, end);
	if (vmalloc_debug_pagealloc) {
		vmap_count(&vmap_counts.debug_flushes, 1);
		flush_tlb_kernel_range_deferrable(addr, end);
	}

	spin_lock(&queue->lock);
	vb->dirty_min = min(vb->dirty_min, first);
	vb->dirty_max = max(vb->dirty_max, first + pages);
	vb->dirty += pages;
	whole = vb->dirty == VMAP_BBMAP_BITS;
	if (whole)
		list_remove(&vb->all);
	spin_unlock(&queue->lock);
	if (whole)
		free_vmap_block(vb);
}

void *vm_map_ram(const phys_addr_t *frames, unsigned int count)
{
	const void *caller = __builtin_return_address(0);
	struct vmap_area *va;
	void *addr;

	if (!count)
		return NULL;
	if (count <= VMAP_MAX_ALLOC) {
		addr = vb_alloc(rounded(count), caller);
	} else {
		va = alloc_vmap_area((count + 1UL) * PAGE_SIZE, PAGE_SIZE, VMALLOC_START,
				     VMALLOC_END, VMAP_KIND_RAM, caller);
		if (!va)
			return NULL;
		va->nr_pages = count;
		addr = (void *)va->node.start;
	}
	if (addr && !vmap_frames((u64)addr, frames, count, PAGE_KERNEL)) {
		vm_unmap_ram(addr, count);
		return NULL;
	}
	return addr;
}

void vm_unmap_ram(const void *addr, unsigned int count)
{
	struct vmap_area *va;

	if (count > VMAP_MAX_ALLOC) {
		free_unmap_vmap_area(
			unlink_vmap_area((u64)addr, VMAP_KIND_RAM, count, "vm_unmap_ram"));
		return;
	}
	va = find_live_vmap_area((u64)addr);
	if (!va || va->kind != VMAP_KIND_BLOCK || !IS_ALIGNED((u64)addr, PAGE_SIZE) || !count)
		vmap_panic("vm_unmap_ram", (u64)addr, "no mapping of that many pages starts there");
	vb_free(va->block, (u64)addr, count);
}

/*
 * Takes a block out of its queue if nothing in it is live and fewer than LIMIT of its pages were
 * never used: those are given up with it. Under the queue's lock.
 */
static bool purge_fragmented_block(struct vmap_block *vb, u32 limit, struct list_link *purge)
{
	if (vb->free + vb->dirty != VMAP_BBMAP_BITS || vb->free >= limit)
		return false;
	vmap_count(&vmap_counts.blocks_fragmented, 1);
	list_remove(&vb->room);
	list_remove(&vb->all);
	list_add(purge, &vb->all);
	return true;
}

static void free_purged_blocks(struct list_link *purge)
{
	list_for_each (link, purge)
		free_vmap_block(container_of(link, struct vmap_block, all));
}

/* Extends [*start, *end) over the unflushed part of VB. Under the queue's lock. */
static bool take_dirty(struct vmap_block *vb, u64 *start, u64 *end)
{
	u64 base = vb->va->node.start;

	if (vb->dirty_min >= vb->dirty_max)
		return false;
	*start = min(*start, base + vb->dirty_min * PAGE_SIZE);
	*end = max(*end, base + vb->dirty_max * PAGE_SIZE);
	vb->dirty_min = VMAP_BBMAP_BITS;
	vb->dirty_max = 0;
	return true;
}

bool vmap_blocks_take_dirty(u64 *start, u64 *end)
{
	struct list_link purge;
	bool found = false;
	unsigned int cpu;

	list_init(&purge);
	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		spin_lock(&queues[cpu].lock);
		list_for_each (link, &queues[cpu].all) {
			struct vmap_block *vb = container_of(link, struct vmap_block, all);

			if (!purge_fragmented_block(vb, VMAP_PURGE_THRESHOLD, &purge))
				found |= take_dirty(vb, start, end);
		}
		spin_unlock(&queues[cpu].lock);
	}
	free_purged_blocks(&purge);
	return found;
}

void purge_fragmented_blocks_allcpus(void)
{
	struct list_link purge;
	unsigned int cpu;

	list_init(&purge);
	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		spin_lock(&queues[cpu].lock);
		list_for_each (link, &queues[cpu].all)
			purge_fragmented_block(container_of(link, struct vmap_block, all),
					       VMAP_BBMAP_BITS, &purge);
		spin_unlock(&queues[cpu].lock);
	}
	free_purged_blocks(&purge);
}
