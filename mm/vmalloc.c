/* SPDX-License-Identifier: MIT */
/*
 * The calls that users make: memory of their own (vmalloc), frames of theirs (vmap), and flushing
 * by hand. What must hold after any failure: no frame is lost, and addresses at which something
 * was mapped even for a moment go through a flush before they are used again.
 */
#include "mm/vmalloc.h"

#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "mm/frames.h"
#include "mm/tlbflush.h"
#include "mm/vmap_block.h"
#include "mm/vmap_hold.h"
#include "mm/vmap_huge.h"
#include "mm/vmap_purge.h"

bool vmalloc_init(phys_addr_t kernel_root, const struct vmalloc_config *config)
{
	vmalloc_root = kernel_root;
	vmalloc_debug_pagealloc = config->debug_pagealloc;
	vmap_block_init();
	vmap_purge_init();
	vmap_hold_init();
	return vmap_area_init() && !paging_preallocate(kernel_root, VMALLOC_START, VMALLOC_END);
}

/* An area of COUNT usable pages with its guard page, which nobody ever maps. */
static struct vmap_area *alloc_guarded(u64 count, u64 align, u64 vstart, u64 vend,
				       enum vmap_kind kind, const void *caller)
{
	struct vmap_area *va = alloc_vmap_area((count + 1) * PAGE_SIZE, align, vstart, vend, kind,
					       caller);

	if (va)
		va->nr_pages = count;
	return va;
}

/*
 * The way out after a mapping that ran out of tables: what was mapped may be in some TLB already,
 * by speculation if nothing else, so the area ends like any other.
 */
static void *give_up(struct vmap_area *va, const char *who)
{
	free_unmap_vmap_area(unlink_vmap_area(va->node.start, va->kind, 0, who));
	return NULL;
}

static int map_one(void *ctx, u64 index, phys_addr_t frame)
{
	const struct vmap_area *va = ctx;
	u64 addr = va->node.start + index * PAGE_SIZE;

	if (index >= va->frames.blocks * FRAME_BLOCK)
		return vmap_frames(addr, &frame, 1, PAGE_KERNEL) ? 0 : -ENOMEM;
	if (index % FRAME_BLOCK)
		return 0; /* mapped with the first one of its block */
	return vmap_huge_page(addr, frame) ? 0 : -ENOMEM;
}

/* What cannot be had is refused before it has emptied the allocator for everyone else. */
static bool try_frames(struct frame_list *frames, u64 count, u64 align)
{
	if (count > frame_counts().free)
		return false;
	return align == PAGE_SIZE ? frame_list_fill(frames, count)
				  : frame_list_fill_blocks(frames, count);
}

static void *alloc_mapped(size_t size, u64 align, const void *caller)
{
	u64 count = size / PAGE_SIZE + (size % PAGE_SIZE != 0);
	struct frame_list frames;
	struct vmap_area *va;

	if (!count || !(try_frames(&frames, count, align) ||
			(reclaim_held_frames(count) && try_frames(&frames, count, align))))
		return NULL;
	va = alloc_guarded(count, align, VMALLOC_START, VMALLOC_END, VMAP_KIND_VMALLOC, caller);
	if (!va) {
		frame_list_release(&frames);
		return NULL;
	}
	va->frames = frames;
	if (frame_list_for_each(&va->frames, map_one, va))
		return give_up(va, "vmalloc");
	return (void *)va->node.start;
}

void *vmalloc(size_t size)
{
	return alloc_mapped(size, PAGE_SIZE, __builtin_return_address(0));
}

void *vmalloc_huge(size_t size)
{
	bool large = size > PMD_SIZE - PAGE_SIZE; /* 2 MiB in whole pages */

	return alloc_mapped(size, large ? PMD_SIZE : PAGE_SIZE, __builtin_return_address(0));
}

void vfree(const void *addr)
{
	if (addr)
		free_unmap_vmap_area(unlink_vmap_area((u64)addr, VMAP_KIND_VMALLOC, 0, "vfree"));
}

/*
 * The flush of everything in this range may be deferred. Ring 3 must therefore not be able to use
 * it (R2), and it must be plain write-back memory, in which a late access by way of a stale
 * translation has no side effect of its own (R10).
 */
static void check_prot(u64 prot)
{
	if (prot & PTE_USER)
		panic("R2: vmap() of user-accessible pages, whose flush must not be deferred");
	if (prot & (PTE_PCD | PTE_PWT))
		panic("R10: vmap() of device memory, whose flush must not be deferred");
}

static void *map_frames(const phys_addr_t *frames, unsigned int count, u64 prot, u64 vstart,
			u64 vend, const void *caller)
{
	struct vmap_area *va;

	check_prot(prot);
	if (!count)
		return NULL;
	va = alloc_guarded(count, PAGE_SIZE, vstart, vend, VMAP_KIND_VMAP, caller);
	if (!va)
		return NULL;
	if (!vmap_frames(va->node.start, frames, count, prot))
		return give_up(va, "vmap");
	return (void *)va->node.start;
}

void *vmap(const phys_addr_t *frames, unsigned int count, u64 prot)
{
	return map_frames(frames, count, prot, VMALLOC_START, VMALLOC_END,
			  __builtin_return_address(0));
}

static bool in_vmalloc_area(u64 start, u64 end)
{
	return IS_ALIGNED(start | end, PAGE_SIZE) && start >= VMALLOC_START && start <= end &&
	       end <= VMALLOC_END;
}

void *vmap_range(const phys_addr_t *frames, unsigned int count, u64 prot, u64 vstart, u64 vend)
{
	if (!in_vmalloc_area(vstart, vend))
		panic("vmap_range: window %lx..%lx is not whole pages of the vmalloc area", vstart,
		      vend);
	return map_frames(frames, count, prot, vstart, vend, __builtin_return_address(0));
}

void vunmap(const void *addr)
{
	if (addr)
		free_unmap_vmap_area(unlink_vmap_area((u64)addr, VMAP_KIND_VMAP, 0, "vunmap"));
}

void vunmap_range(u64 start, u64 end)
{
	if (!in_vmalloc_area(start, end))
		panic("vunmap_range: %lx..%lx is not whole pages of the vmalloc area", start, end);
	unmap_range_noflush(vmalloc_root, start, end);
	vmap_count(&vmap_counts.vunmap_flushes, 1);
	flush_tlb_kernel_range_deferrable(start, end);
}
