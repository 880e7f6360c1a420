/* SPDX-License-Identifier: MIT */
/*
 * The kernel's page tables, see kernel_map.h. The direct map's view of the kernel image carries the
 * image's own rights, so that read-only text cannot be written through the back door either.
 */
#include "arch/x86_64/kernel_map.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/spinlock.h"

phys_addr_t kernel_root;

extern const char kernel_phys_start[], kernel_phys_end[];
extern const char kernel_text_start[], kernel_text_end[];
extern const char kernel_rodata_start[], kernel_rodata_end[];
extern const char kernel_data_start[], kernel_data_end[];

#define KSTACK_SLOT (KSTACK_BYTES + 2 * PAGE_SIZE)

static u64 io_next = IO_BASE;
static u64 kstack_next = KSTACK_BASE;

static phys_addr_t image_phys(const char *symbol)
{
	return (u64)symbol - KERNEL_BASE;
}

static int map_image_part(const char *start, const char *end, u64 flags)
{
	return map_range(kernel_root, (u64)start, image_phys(start), (u64)(end - start), flags);
}

static int map_direct(phys_addr_t start, phys_addr_t end, u64 flags)
{
	if (start >= end)
		return 0;
	return map_range(kernel_root, DIRECT_MAP_BASE + start, start, end - start,
			 flags | MAP_LARGE_OK);
}

/*
 * RAM as the firmware tells it, page by page inwards, with the image's text and constants cut out
 * of the writable part. The image lies within one range: it was loaded there.
 */
static int map_direct_range(phys_addr_t start, phys_addr_t end)
{
	phys_addr_t ro_start = image_phys(kernel_text_start);
	phys_addr_t ro_end = image_phys(kernel_rodata_end);
	int err;

	start = ALIGN_UP(start, PAGE_SIZE);
	end = ALIGN_DOWN(min(end, (phys_addr_t)DIRECT_MAP_SIZE), PAGE_SIZE);
	if (start >= end || end <= ro_start || start >= ro_end)
		return map_direct(start, end, PAGE_KERNEL);
	err = map_direct(start, ro_start, PAGE_KERNEL);
	if (!err)
		err = map_direct(ro_start, ro_end, PAGE_KERNEL_RO);
	return err ? err : map_direct(ro_end, end, PAGE_KERNEL);
}

const char *kernel_map_init(const struct phys_range *ram, unsigned int nr_ram)
{
	int err;

	paging_supported_flags = ~0UL;
	if (!cpu_features.nx)
		paging_supported_flags &= ~PTE_NX;
	if (!cpu_features.pge)
		paging_supported_flags &= ~PTE_GLOBAL;
	kernel_root = boot_alloc_root_pair();
	if (!kernel_root)
		return "no frame for the kernel's root table";
	err = map_image_part(kernel_text_start, kernel_text_end, PAGE_KERNEL_EXEC);
	if (!err)
		err = map_image_part(kernel_rodata_start, kernel_rodata_end, PAGE_KERNEL_RO);
	if (!err)
		err = map_image_part(kernel_data_start, kernel_data_end, PAGE_KERNEL);
	for (unsigned int i = 0; i < nr_ram && !err; i++)
		err = map_direct_range(ram[i].start, ram[i].end);
	/* These areas' top-level entries must exist before any root copies the upper half. */
	if (!err)
		err = paging_preallocate(kernel_root, CPU_AREA_BASE, CPU_AREA_BASE + CPU_AREA_SIZE);
	if (!err)
		err = paging_preallocate(kernel_root, KSTACK_BASE, KSTACK_BASE + KSTACK_SIZE);
	if (err)
		return "memory is too short for the kernel's page tables";
	write_cr3(kernel_root);
	return NULL;
}

const void *direct_map_firmware(phys_addr_t pa, size_t len)
{
	phys_addr_t start = ALIGN_DOWN(pa, PAGE_SIZE);

	if (len == 0 || pa >= DIRECT_MAP_SIZE || len > DIRECT_MAP_SIZE - pa)
		return NULL;
	for (phys_addr_t at = start; at < pa + len; at += PAGE_SIZE) {
		if (walk(kernel_root, DIRECT_MAP_BASE + at, NULL, NULL))
			continue;
		if (map_page(kernel_root, DIRECT_MAP_BASE + at, at, PAGE_KERNEL_RO))
			return NULL;
	}
	return phys_to_virt(pa);
}

void *io_map(phys_addr_t pa, u64 len, bool write_combining)
{
	u64 offset = pa & (PMD_SIZE - 1);
	u64 size = ALIGN_UP(offset + len, PAGE_SIZE);
	u64 flags = write_combining ? PAGE_KERNEL | PTE_PWT : PAGE_KERNEL_NOCACHE;
	u64 va = io_next;

	/* Same offset within 2 MiB as the device has, so that large pages fit. */
	if (len == 0 || size > IO_END - va)
		return NULL;
	io_next = ALIGN_UP(va + size, PMD_SIZE);
	if (map_range(kernel_root, va + (offset & PAGE_MASK), (pa - offset) + (offset & PAGE_MASK),
		      size - (offset & PAGE_MASK), flags | MAP_LARGE_OK))
		return NULL;
	return (void *)(va + offset);
}

u64 kernel_stack_alloc(void)
{
	u64 slot = __atomic_fetch_add(&kstack_next, KSTACK_SLOT, __ATOMIC_RELAXED);
	u64 bottom = slot + PAGE_SIZE;

	for (u64 va = bottom; va < bottom + KSTACK_BYTES; va += PAGE_SIZE) {
		phys_addr_t frame = paging_alloc_table(); /* any zeroed frame will do */

		if (!frame || map_page(kernel_root, va, frame, PAGE_KERNEL))
			return 0;
	}
	return bottom + KSTACK_BYTES;
}
