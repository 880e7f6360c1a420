/* SPDX-License-Identifier: MIT */
/*
 * The lazy purge of Linux 6.5: one flush for many freed areas. What must hold: addresses return to
 * the free tree only after a flush that covers them was issued; what a policy may defer is the
 * execution of that flush on a CPU in ring 3, never the issue.
 *
 * Frames are another matter, on purpose as in Linux: vfree() gives them back right after the PTEs
 * are clear, long before the flush. The SDM (Vol 3, 4.10.4.4) asks to keep them until then. That
 * nobody does is what makes a stale translation dangerous: through it, a CPU reads and writes the
 * memory of a new owner. This kernel keeps the hazard, since it is what the flush policies are
 * judged by. A policy that has `lags` takes the other way, the SDM's: frames stay with their area,
 * and both go from the purge into quarantine (vmap_hold.c).
 *
 * Linux drains over the threshold from a worker thread. Here is no scheduler, so the CPU whose free
 * passes the threshold drains. If another CPU is at it already, it leaves: see drain_vmap_area().
 */
#include "mm/vmap_purge.h"

#include "arch/x86_64/cpu_number.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "mm/frames.h"
#include "mm/tlbflush.h"
#include "mm/vmap_block.h"
#include "mm/vmap_hold.h"

/* What one flush is for. */
struct vmap_purge_batch {
	struct area_tree areas;
	u64 start, end; /* to be flushed: lowest start to highest end of the areas, or more */
};

/*
 * The one lock under which flushes are issued: a purge at a time, so that who waits for it knows
 * that every area that was lazy before is flushed. Held with interrupts on, for as long as all
 * other CPUs take to answer; who waits for it spins with interrupts on, too, and so can answer.
 */
static spinlock_t vmap_purge_lock;

static spinlock_t purge_vmap_area_lock;
static struct area_tree purge_vmap_area_root; /* the lazy tree, by Linux's name */
static struct vmap_purge_batch purging;	      /* its tree is under purge_vmap_area_lock, too */
static u64 vmap_lazy_nr;		      /* pages in both */

void vmap_purge_init(void)
{
	purge_vmap_area_root = (struct area_tree){0};
	purging = (struct vmap_purge_batch){0};
	vmap_lazy_nr = 0;
}

u64 lazy_max_pages(void)
{
	unsigned int cpus = nr_online_cpus();
	unsigned int fls = 32 - (unsigned int)__builtin_clz(cpus);

	return fls * (MIB(32) / PAGE_SIZE);
}

static u64 pages_of(const struct vmap_area *va)
{
	return (va->node.end - va->node.start) / PAGE_SIZE;
}

/* LOCKed reads, hence full barriers: see drain_vmap_area(). */
static bool too_many_lazy(void)
{
	return __atomic_fetch_add(&vmap_lazy_nr, 0, __ATOMIC_SEQ_CST) > lazy_max_pages() ||
	       vmap_too_many_at_rest();
}

u64 vmap_nr_lazy(void)
{
	return __atomic_load_n(&vmap_lazy_nr, __ATOMIC_RELAXED);
}

/* Takes all lazy areas for one purge; false if there are none. */
static bool detach_lazy_areas(struct vmap_purge_batch *batch, u64 start, u64 end)
{
	spin_lock(&purge_vmap_area_lock);
	batch->areas = purge_vmap_area_root;
	purge_vmap_area_root = (struct area_tree){0};
	if (batch->areas.root) {
		batch->start = min(start, area_tree_first(&batch->areas)->start);
		batch->end = max(end, area_tree_last(&batch->areas)->end);
	}
	spin_unlock(&purge_vmap_area_lock);
	return batch->areas.root;
}

static u64 pages_of_all(struct area_tree *areas)
{
	struct area_node *node;
	u64 pages = 0;

	for (node = area_tree_first(areas); node; node = area_tree_next(areas, node))
		pages += pages_of(vmap_area_of(node));
	return pages;
}

/* Purge GENERATION is over: the areas go back to the free tree, or into quarantine. */
static void end_batch(struct vmap_purge_batch *batch, u64 generation)
{
	struct area_tree areas;
	u64 pages;

	spin_lock(&purge_vmap_area_lock);
	areas = batch->areas;
	batch->areas = (struct area_tree){0};
	spin_unlock(&purge_vmap_area_lock);
	pages = pages_of_all(&areas);
	if (vmap_holds())
		vmap_hold(&areas, pages, generation);
	else
		release_vmap_areas(&areas);
	__atomic_fetch_sub(&vmap_lazy_nr, pages, __ATOMIC_SEQ_CST);
	vmap_release_held(false);
}

/*
 * Flushes all lazy areas, and [start, end) with them, at one stroke; false, nothing flushed, if
 * there are none. start = ~0UL, end = 0 add nothing. Under vmap_purge_lock.
 */
static bool __purge_vmap_area_lazy(u64 start, u64 end, enum vmap_purge_cause cause)
{
	if (!detach_lazy_areas(&purging, start, end))
		return false;
	vmap_count(&vmap_counts.purges, 1);
	vmap_count(&vmap_counts.purges_by[cause], 1);
	end_batch(&purging, flush_tlb_kernel_range_deferrable(purging.start, purging.end));
	return true;
}

/*
 * Purges while there is too much to purge. When another CPU holds the lock it is flushing, and this
 * one need not wait: whoever lets go of the lock comes by here afterwards. No drain is lost on the
 * way: this CPU adds to the count, full barrier, finds the lock taken; the other lets go of it,
 * full barrier, reads the count. One of them sees the other.
 */
static void drain_vmap_area(void)
{
	while (too_many_lazy() && spin_trylock(&vmap_purge_lock)) {
		bool purged = !too_many_lazy() || __purge_vmap_area_lazy(~0UL, 0, PURGE_THRESHOLD);

		spin_unlock(&vmap_purge_lock);
		if (!purged) /* counted, but not in the tree yet: who puts it there comes here */
			break;
	}
}

static void unlock_purge(void)
{
	spin_unlock(&vmap_purge_lock);
	drain_vmap_area();
}

void free_vmap_area_noflush(struct vmap_area *va)
{
	bool inserted;

	vmap_count(&vmap_counts.areas_freed, 1);
	__atomic_fetch_add(&vmap_lazy_nr, pages_of(va), __ATOMIC_SEQ_CST);
	spin_lock(&purge_vmap_area_lock);
	inserted = area_tree_insert(&purge_vmap_area_root, &va->node);
	spin_unlock(&purge_vmap_area_lock);
	/* From here on VA may be purged by another CPU, and be gone. */
	BUG_ON(!inserted);
	drain_vmap_area();
}

void free_unmap_vmap_area(struct vmap_area *va)
{
	unmap_range_noflush(vmalloc_root, va->node.start, va->node.end);
	if (vmalloc_debug_pagealloc) {
		vmap_count(&vmap_counts.debug_flushes, 1);
		flush_tlb_kernel_range_deferrable(va->node.start, va->node.end);
	}
	if (vmap_holds())
		vmap_frames_rest(va->frames.count);
	else
		frame_list_release(&va->frames);
	free_vmap_area_noflush(va);
}

void reclaim_and_purge_vmap_areas(void)
{
	spin_lock(&vmap_purge_lock);
	purge_fragmented_blocks_allcpus();
	if (!__purge_vmap_area_lazy(~0UL, 0, PURGE_OVERFLOW))
		vmap_release_held(false);
	unlock_purge();
}

bool reclaim_held_frames(u64 count)
{
	u64 wanted = count + count / FRAME_BLOCK + 1; /* pages of frame numbers, too */

	if (!vmap_frames_at_rest() || count > frame_counts().free + vmap_frames_at_rest())
		return false;
	spin_lock(&vmap_purge_lock);
	if (!__purge_vmap_area_lazy(~0UL, 0, PURGE_OVERFLOW))
		vmap_release_held(false);
	if (wanted > frame_counts().free)
		vmap_release_held(true);
	unlock_purge();
	return true;
}

void vmalloc_release_all_held(void)
{
	if (!vmap_holds())
		return;
	spin_lock(&vmap_purge_lock);
	__purge_vmap_area_lazy(~0UL, 0, PURGE_POLICY);
	vmap_release_held(true);
	vmap_hold_forget();
	unlock_purge();
}

void _vm_unmap_aliases(u64 start, u64 end, bool flush)
{
	spin_lock(&vmap_purge_lock);
	flush |= vmap_blocks_take_dirty(&start, &end);
	if (!__purge_vmap_area_lazy(start, end, PURGE_ALIAS)) {
		if (flush) {
			vmap_count(&vmap_counts.alias_flushes, 1);
			flush_tlb_kernel_range_deferrable(start, end);
		}
		vmap_release_held(false);
	}
	unlock_purge();
}

void vm_unmap_aliases(void)
{
	_vm_unmap_aliases(~0UL, 0, false);
}

enum vmap_state find_vmap_area_lazy(u64 addr, struct vmap_area_info *info)
{
	enum vmap_state state = VMAP_LAZY;
	struct vmap_area *va;

	if (!vmap_report_lock(&purge_vmap_area_lock))
		return VMAP_UNKNOWN;
	va = vmap_area_of(area_tree_find(&purge_vmap_area_root, addr));
	if (!va) {
		va = vmap_area_of(area_tree_find(&purging.areas, addr));
		state = VMAP_PURGING;
	}
	if (va)
		describe_vmap_area(va, info);
	spin_unlock(&purge_vmap_area_lock);
	return va ? state : VMAP_NO_AREA;
}
