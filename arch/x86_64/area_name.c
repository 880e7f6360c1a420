/* SPDX-License-Identifier: MIT */
/*
 * Names of areas, see area_name.h. A new area of layout.h or cpu_area.h gets its line here.
 */
#include "arch/x86_64/area_name.h"

#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/percpu.h"

struct area {
	u64 start, end; /* [start, end) */
	const char *name;
	bool implicit; /* in a CPU area: read by the CPU itself */
};

static const struct area areas[] = {
	{0, USER_END, "user memory", false},
	{DIRECT_MAP_BASE, DIRECT_MAP_BASE + DIRECT_MAP_SIZE, "the direct map", false},
	{VMALLOC_START, VMALLOC_END, "the vmalloc area", false},
	{CPU_AREA_BASE, CPU_AREA_BASE + CPU_AREA_SIZE, "a CPU entry area", false},
	{KSTACK_BASE, KSTACK_BASE + KSTACK_SIZE, "a kernel stack", false},
	{KERNEL_BASE, IO_BASE, "the kernel image", false},
	{IO_BASE, IO_END, "device memory", false},
};

static const struct area cpu_parts[] = {
	{CPU_AREA_PERCPU, CPU_AREA_PERCPU + CPU_AREA_PERCPU_SIZE, "a CPU's per-CPU block", false},
	{CPU_AREA_USER_PAGE, CPU_AREA_TABLES, "a CPU's page for ring 3", false},
	{CPU_AREA_TABLES, CPU_AREA_TABLES + PAGE_SIZE, "a CPU's GDT and TSS", true},
	{CPU_AREA_ENTRY_STACK, CPU_AREA_ENTRY_STACK + CPU_AREA_STACK_SIZE, "a CPU's entry stack",
	 true},
	{CPU_AREA_IST_STACKS, CPU_AREA_IST_STACKS + NR_IST_STACKS *CPU_AREA_IST_STEP,
	 "a CPU's IST stacks", true},
};

static const struct area *find(const struct area *list, size_t count, u64 offset)
{
	for (size_t i = 0; i < count; i++)
		if (offset >= list[i].start && offset < list[i].end)
			return &list[i];
	return NULL;
}

static const struct area *cpu_part(u64 va)
{
	if (va < CPU_AREA_BASE || va >= cpu_area(MAX_CPUS))
		return NULL;
	return find(cpu_parts, ARRAY_SIZE(cpu_parts), va & (CPU_AREA_STRIDE - 1));
}

const char *area_name(u64 va)
{
	const struct area *area = cpu_part(va);

	if (!area)
		area = find(areas, ARRAY_SIZE(areas), va);
	return area ? area->name : "nothing";
}

bool implicitly_read(u64 start, u64 end)
{
	start = max(ALIGN_DOWN(start, PAGE_SIZE), CPU_AREA_BASE);
	end = min(end, cpu_area(MAX_CPUS));
	for (u64 va = start; va < end; va += PAGE_SIZE) {
		const struct area *part = cpu_part(va);

		if (part && part->implicit)
			return true;
	}
	return false;
}
