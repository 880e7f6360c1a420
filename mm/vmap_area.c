/* SPDX-License-Identifier: MIT */
/*
 * Areas: the free tree, the busy tree and the memory of struct vmap_area. What must hold: every
 * page of the vmalloc range is in exactly one of the free tree, the busy tree, the lazy tree, a
 * batch being purged, a batch that is held, or the hands of one CPU that moves it on.
 */
#include "mm/vmap_area.h"

#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "mm/vmap_block.h"
#include "mm/vmap_hold.h"
#include "mm/vmap_purge.h"

phys_addr_t vmalloc_root;
bool vmalloc_debug_pagealloc;
struct vmalloc_stats vmap_counts;

static spinlock_t free_vmap_area_lock;
static struct area_tree free_vmap_area_root;
static spinlock_t vmap_area_lock;
static struct area_tree vmap_area_root; /* the busy tree, by Linux's name */
static struct slab area_slab;

bool vmap_area_init(void)
{
	struct vmap_area *all;

	vmap_counts = (struct vmalloc_stats){0};
	free_vmap_area_root = vmap_area_root = (struct area_tree){0};
	slab_init(&area_slab, "vmap_area", sizeof(struct vmap_area));
	all = slab_alloc(&area_slab);
	if (!all)
		return false;
	all->node.start = VMALLOC_START;
	all->node.end = VMALLOC_END;
	return area_tree_insert(&free_vmap_area_root, &all->node);
}

static void free_spare_areas(struct area_spares *spares)
{
	while (spares->nr)
		slab_free(&area_slab, vmap_area_of(spares->node[--spares->nr]));
}

/*
 * The lowest place that fits; 0 without one. EXTRA is for the upper part of a range that is cut in
 * the middle: it is allocated before the lock is taken, and it is gone after a success.
 */
static u64 take_addresses(u64 size, u64 align, u64 vstart, u64 vend, struct vmap_area *extra)
{
	struct area_spares spares = {0};
	struct area_node *node;
	u64 addr = 0;

	spin_lock(&free_vmap_area_lock);
	node = area_tree_fit(&free_vmap_area_root, size, align, vstart, vend, &addr);
	if (node)
		area_tree_carve(&free_vmap_area_root, node, addr, addr + size, &extra->node,
				&spares);
	spin_unlock(&free_vmap_area_lock);
	free_spare_areas(&spares);
	return node ? addr : 0;
}

struct vmap_area *alloc_vmap_area(u64 size, u64 align, u64 vstart, u64 vend, enum vmap_kind kind,
				  const void *caller)
{
	struct vmap_area *va = slab_alloc(&area_slab);
	struct vmap_area *extra = slab_alloc(&area_slab);
	u64 addr = 0;
	bool inserted;

	if (!(va && extra) && reclaim_held_frames(2)) {
		va = va ? va : slab_alloc(&area_slab);
		extra = extra ? extra : slab_alloc(&area_slab);
	}
	if (va && extra)
		addr = take_addresses(size, align, vstart, vend, extra);
	if (va && extra && !addr) {
		reclaim_and_purge_vmap_areas();
		addr = take_addresses(size, align, vstart, vend, extra);
	}
	if (!addr) {
		slab_free(&area_slab, va);
		slab_free(&area_slab, extra);
		return NULL;
	}
	va->node.start = addr;
	va->node.end = addr + size;
	va->kind = kind;
	va->caller = caller;
	spin_lock(&vmap_area_lock);
	inserted = area_tree_insert(&vmap_area_root, &va->node);
	spin_unlock(&vmap_area_lock);
	BUG_ON(!inserted);
	vmap_count(&vmap_counts.areas_allocated, 1);
	return va;
}

struct vmap_area *find_live_vmap_area(u64 addr)
{
	struct area_node *node;

	spin_lock(&vmap_area_lock);
	node = area_tree_find(&vmap_area_root, addr);
	spin_unlock(&vmap_area_lock);
	return vmap_area_of(node);
}

struct vmap_area *unlink_vmap_area(u64 addr, enum vmap_kind kind, u64 nr_pages, const char *who)
{
	const char *wrong = NULL;
	struct vmap_area *va;

	spin_lock(&vmap_area_lock);
	va = vmap_area_of(area_tree_find(&vmap_area_root, addr));
	if (!va || va->node.start != addr)
		wrong = "no live area starts there";
	else if (va->kind != kind)
		wrong = "the area is of another kind";
	else if (nr_pages && va->nr_pages != nr_pages)
		wrong = "the area has another number of pages";
	else
		area_tree_remove(&vmap_area_root, &va->node);
	spin_unlock(&vmap_area_lock);
	if (wrong)
		vmap_panic(who, addr, wrong);
	return va;
}

static void release_vmap_area(struct vmap_area *va)
{
	struct area_spares spares = {0};
	bool inserted;

	spin_lock(&free_vmap_area_lock);
	inserted = area_tree_insert_merged(&free_vmap_area_root, &va->node, &spares);
	spin_unlock(&free_vmap_area_lock);
	BUG_ON(!inserted);
	free_spare_areas(&spares);
}

void release_vmap_areas(struct area_tree *areas)
{
	struct area_node *node;

	vmap_count(&vmap_counts.areas_purged, areas->count);
	while ((node = area_tree_first(areas))) {
		struct vmap_area *va = vmap_area_of(node);

		area_tree_remove(areas, node);
		vmap_frames_released(va->frames.count);
		frame_list_release(&va->frames);
		release_vmap_area(va);
	}
}

bool vmap_frames(u64 addr, const phys_addr_t *frames, u64 count, u64 prot)
{
	u64 i;

	for (i = 0; i < count; i++) {
		int error = map_page(vmalloc_root, addr + i * PAGE_SIZE, frames[i], prot);

		if (error == -ENOMEM)
			return false;
		if (error)
			panic("vmap: frame %lx cannot be mapped at %lx: error %d", frames[i],
			      addr + i * PAGE_SIZE, -error);
	}
	return true;
}

/* --- Reports --- */

void describe_vmap_area(const struct vmap_area *va, struct vmap_area_info *info)
{
	static const char *const kinds[] = {[VMAP_KIND_VMALLOC] = "vmalloc",
					    [VMAP_KIND_VMAP] = "vmap",
					    [VMAP_KIND_RAM] = "vm_map_ram",
					    [VMAP_KIND_BLOCK] = "block"};

	info->start = va->node.start;
	info->end = va->node.end;
	info->caller = va->caller;
	info->kind = kinds[va->kind];
}

bool vmap_report_lock(spinlock_t *lock)
{
	unsigned int tries;

	for (tries = 0; tries < 1000; tries++) {
		if (spin_trylock(lock))
			return true;
		cpu_relax();
	}
	return false;
}

enum vmap_state find_vmap_area_live(u64 addr, struct vmap_area_info *info)
{
	struct vmap_area *va;

	if (!vmap_report_lock(&vmap_area_lock))
		return VMAP_UNKNOWN;
	va = vmap_area_of(area_tree_find(&vmap_area_root, addr));
	if (va)
		describe_vmap_area(va, info);
	spin_unlock(&vmap_area_lock);
	return va ? VMAP_LIVE : VMAP_NO_AREA;
}

enum vmap_state find_vmap_area(u64 addr, struct vmap_area_info *info)
{
	enum vmap_state state = find_vmap_area_live(addr, info);

	if (state == VMAP_NO_AREA)
		state = find_vmap_area_lazy(addr, info);
	return state == VMAP_NO_AREA ? find_vmap_area_held(addr, info) : state;
}

_Noreturn void vmap_panic(const char *who, u64 addr, const char *wrong)
{
	static const char *const states[] = {[VMAP_LIVE] = "live",
					     [VMAP_LAZY] = "freed, not flushed yet",
					     [VMAP_PURGING] = "freed, being flushed",
					     [VMAP_HELD] = "freed, not flushed by every CPU yet"};
	struct vmap_area_info info;
	enum vmap_state state = find_vmap_area(addr, &info);

	if (state == VMAP_NO_AREA || state == VMAP_UNKNOWN)
		panic("%s(%lx): %s, and the address is in no area", who, addr, wrong);
	panic("%s(%lx): %s; in %s area %lx..%lx of caller %p (%s)", who, addr, wrong, info.kind,
	      info.start, info.end, info.caller, states[state]);
}

_Static_assert(sizeof(struct vmalloc_stats) % sizeof(u64) == 0, "counters and nothing else");

struct vmalloc_stats vmalloc_stats(void)
{
	struct slab_counts areas, blocks;
	struct vmalloc_stats stats;
	size_t i;

	for (i = 0; i < sizeof(stats) / sizeof(u64); i++)
		((u64 *)&stats)[i] = __atomic_load_n((u64 *)&vmap_counts + i, __ATOMIC_RELAXED);
	stats.nr_lazy = vmap_nr_lazy();
	vmap_hold_stats(&stats);
	areas = slab_counts(&area_slab);
	blocks = vmap_block_counts();
	stats.metadata_frames = areas.pages + blocks.pages;
	stats.metadata_objects = areas.objects + blocks.objects;
	return stats;
}
