/* SPDX-License-Identifier: MIT */
/*
 * The quarantine, see vmap_hold.h. It is what makes a deferred flush conform to the SDM (Vol 3,
 * 4.10.4.4: invalidation may be delayed if neither the addresses nor the memory are used again
 * meanwhile), and what LATR and LUF do: a stale translation then leads to a page that is nobody's.
 *
 * What must hold: an area is released only when no online CPU lags behind a purge that came after
 * its entries were cleared. Purges are issued one at a time, so batches are in the order of their
 * numbers, and who has flushed for a batch has flushed for all in front of it: a FIFO will do.
 *
 * The price is memory that a CPU holds by staying in ring 3, hence the bound. Over it, the CPUs
 * that lag, and they alone, are interrupted: what the quarantine was to spare them. An allocation
 * that finds no memory forces them too: it must not fail for frames that nobody uses. One that
 * finds no address does not: the area has 32 TiB, and who asks for one exact address has another
 * one if it is held (kernel/canary.c).
 *
 * Frames of vmap() and vm_map_ram() are their owner's, and never rest: the owner gets them back at
 * once, and it is he who must let them rest if a stale access would harm.
 */
#include "mm/vmap_hold.h"

#include "arch/x86_64/cpu_number.h"
#include "arch/x86_64/log.h"
#include "mm/frames.h"
#include "mm/tlbflush.h"

/* With as many batches held, the next purge joins the newest of them. */
#define HELD_BATCHES 64

struct held_batch {
	struct area_tree areas;
	u64 generation; /* of the newest purge of these areas */
	u64 pages;
};

/* Changed under the purge lock and this one; reports look under this one. */
static spinlock_t held_lock;
static struct held_batch held[HELD_BATCHES];
static u64 held_first, held_nr; /* FIFO in held[], modulo its size */

static u64 held_pages, held_pages_most, held_batches_ever;
static u64 frames_at_rest, frames_at_rest_most;
static u64 frames_bound;

void vmap_hold_init(void)
{
	held_first = held_nr = 0;
	held_pages = held_pages_most = held_batches_ever = 0;
	frames_at_rest = frames_at_rest_most = 0;
	frames_bound = min(frame_counts().total / VMAP_HOLD_FRAMES_SHARE, VMAP_HOLD_FRAMES_MAX);
}

static void raise(u64 *most, u64 value)
{
	u64 seen = __atomic_load_n(most, __ATOMIC_RELAXED);

	while (seen < value && !__atomic_compare_exchange_n(most, &seen, value, false,
							    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

void vmap_frames_rest(u64 count)
{
	raise(&frames_at_rest_most, __atomic_add_fetch(&frames_at_rest, count, __ATOMIC_SEQ_CST));
}

void vmap_frames_released(u64 count)
{
	__atomic_sub_fetch(&frames_at_rest, count, __ATOMIC_SEQ_CST);
}

u64 vmap_frames_at_rest(void)
{
	return __atomic_load_n(&frames_at_rest, __ATOMIC_RELAXED);
}

bool vmap_too_many_at_rest(void)
{
	return __atomic_fetch_add(&frames_at_rest, 0, __ATOMIC_SEQ_CST) > frames_bound;
}

void vmap_hold_forget(void)
{
	held_pages_most = held_pages;
	__atomic_store_n(&frames_at_rest_most, vmap_frames_at_rest(), __ATOMIC_RELAXED);
}

static struct held_batch *batch(u64 index)
{
	return &held[(held_first + index) % HELD_BATCHES];
}

/* Moves all areas of FROM into TO: areas never overlap. */
static void join(struct area_tree *to, struct area_tree *from)
{
	struct area_node *node;

	while ((node = area_tree_first(from))) {
		area_tree_remove(from, node);
		BUG_ON(!area_tree_insert(to, node));
	}
}

void vmap_hold(struct area_tree *areas, u64 pages, u64 generation)
{
	struct held_batch *newest;

	spin_lock(&held_lock);
	if (held_nr < HELD_BATCHES) {
		held_nr++;
		newest = batch(held_nr - 1);
		*newest = (struct held_batch){*areas, generation, pages};
		*areas = (struct area_tree){0};
	} else {
		newest = batch(held_nr - 1);
		join(&newest->areas, areas);
		newest->generation = generation;
		newest->pages += pages;
	}
	held_pages += pages;
	held_pages_most = max(held_pages_most, held_pages);
	held_batches_ever++;
	spin_unlock(&held_lock);
}

static void release_oldest(void)
{
	struct held_batch oldest;

	spin_lock(&held_lock);
	oldest = *batch(0);
	held_first++;
	held_nr--;
	held_pages -= oldest.pages;
	spin_unlock(&held_lock);
	release_vmap_areas(&oldest.areas);
}

/* What lags() reads is the CPU's own word, and x86 orders loads: nothing is touched too early. */
static bool somebody_lags(u64 generation)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		if (flush_policy->lags(cpu, generation))
			return true;
	barrier();
	return false;
}

static bool too_much_held(void)
{
	return vmap_too_many_at_rest() || held_pages > VMAP_HOLD_PAGES_PER_FRAME * frames_bound;
}

void vmap_release_held(bool force)
{
	if (!held_nr)
		return;
	BUG_ON(!vmap_holds()); /* vmalloc_release_all_held() is called first */
	while (held_nr && !somebody_lags(batch(0)->generation))
		release_oldest();
	if (!held_nr || !(force || too_much_held()))
		return;
	flush_tlb_laggards(batch(held_nr - 1)->generation);
	vmap_count(&vmap_counts.forced_flushes, 1);
	while (held_nr)
		release_oldest();
}

enum vmap_state find_vmap_area_held(u64 addr, struct vmap_area_info *info)
{
	struct vmap_area *va = NULL;

	if (!vmap_report_lock(&held_lock))
		return VMAP_UNKNOWN;
	for (u64 i = 0; i < held_nr && !va; i++)
		va = vmap_area_of(area_tree_find(&batch(i)->areas, addr));
	if (va)
		describe_vmap_area(va, info);
	spin_unlock(&held_lock);
	return va ? VMAP_HELD : VMAP_NO_AREA;
}

void vmap_hold_stats(struct vmalloc_stats *stats)
{
	spin_lock(&held_lock);
	stats->held_pages = held_pages;
	stats->held_pages_most = held_pages_most;
	stats->held_batches = held_nr;
	stats->held_batches_ever = held_batches_ever;
	spin_unlock(&held_lock);
	stats->held_frames = vmap_frames_at_rest();
	stats->held_frames_most = __atomic_load_n(&frames_at_rest_most, __ATOMIC_RELAXED);
}
