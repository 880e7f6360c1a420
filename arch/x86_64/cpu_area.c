/* SPDX-License-Identifier: MIT */
/*
 * Maps the CPU entry areas, see cpu_area.h.
 */
#include "arch/x86_64/cpu_area.h"

#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/percpu.h"

static bool map_pages(u64 start, u64 len)
{
	for (u64 va = start; va < start + len; va += PAGE_SIZE) {
		phys_addr_t frame = paging_alloc_table(); /* any zeroed frame will do */

		if (!frame || map_page(kernel_root, va, frame, PAGE_KERNEL))
			return false;
	}
	return true;
}

const char *cpu_area_map(unsigned int cpu)
{
	u64 area = cpu_area(cpu);
	bool ok;

	ok = map_pages(area + CPU_AREA_PERCPU, CPU_AREA_PERCPU_SIZE) &&
	     map_pages(area + CPU_AREA_USER_PAGE, PAGE_SIZE) &&
	     map_pages(area + CPU_AREA_TABLES, PAGE_SIZE) &&
	     map_pages(area + CPU_AREA_ENTRY_STACK, CPU_AREA_STACK_SIZE);
	for (unsigned int i = 0; i < NR_IST_STACKS && ok; i++)
		ok = map_pages(area + CPU_AREA_IST_STACKS + i * CPU_AREA_IST_STEP,
			       CPU_AREA_STACK_SIZE);
	return ok ? NULL : "memory is too short for a CPU's entry area";
}

phys_addr_t cpu_area_user_page(unsigned int cpu)
{
	phys_addr_t frame = 0;

	BUG_ON(!walk(kernel_root, cpu_area(cpu) + CPU_AREA_USER_PAGE, &frame, NULL));
	return frame;
}

const char *guard_page_name(u64 addr)
{
	if (addr >= KSTACK_BASE && addr < KSTACK_BASE + KSTACK_SIZE)
		return "kernel stack";
	if (addr < CPU_AREA_BASE || addr >= cpu_area(MAX_CPUS))
		return NULL;
	switch ((addr & (CPU_AREA_STRIDE - 1)) / PAGE_SIZE) {
	case 0x4:
		return "entry stack";
	case 0x7:
		return "entry stack (above) or NMI stack";
	case 0xa:
		return "NMI stack (above) or #DF stack";
	case 0xd:
		return "#DF stack (above) or #MC stack";
	case 0x10:
		return "#MC stack (above) or #DB stack";
	default:
		return "CPU entry area";
	}
}
