// sources: mm/deferrable.c arch/x86_64/area_name.c arch/x86_64/paging*.c tests/host/bed_memory.c
// flags: -DCONFIG_CONTEXT_TRACKING_WORK=1
/* SPDX-License-Identifier: MIT */
/*
 * What a deferrable flush is refused for, and under which rule: every area of the address map by
 * its edges, and every flag of a page that counts. The entry code lies where this file says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/cpu_number.h"
#include "arch/x86_64/irqflags.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/paging.h"
#include "mm/deferrable.h"
#include "mm/tlbflush.h"
#include "tests/host/bed_memory.h"
#include "tests/host/host_log.h"

#define ENTRY_CODE (KERNEL_BASE + MIB(3))
#define MEMORY	   MIB(4)

phys_addr_t kernel_root;
static u64 next_table;
static int irqs_off, irqs_saved;

phys_addr_t paging_alloc_table(void)
{
	return next_table += PAGE_SIZE;
}

void paging_release_frame(phys_addr_t frame)
{
	fail_msg("frame %lx is freed", frame);
}

u64 arch_local_irq_save(void)
{
	irqs_saved++;
	return (u64)irqs_off++;
}

void arch_local_irq_restore(u64 flags)
{
	irqs_off = (int)flags;
}

bool ring3_root_maps(u64 start, u64 end)
{
	return start < USER_END || (start < ENTRY_CODE + PAGE_SIZE && end > ENTRY_CODE) ||
	       (start < CPU_AREA_BASE + CPU_AREA_SIZE && end > CPU_AREA_BASE);
}

static int set_up(void **state)
{
	(void)state;
	fake_memory_init(MEMORY);
	next_table = 0;
	irqs_off = irqs_saved = 0;
	kernel_root = paging_alloc_table();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(irqs_off, 0); /* a panic has left no interrupts off either */
	fake_memory_free();
	return 0;
}

static void assert_refused(u64 start, u64 end, const char *rule, const char *what)
{
	if (!host_panics(assert_deferrable(start, end)))
		fail_msg("%lx-%lx is not refused", start, end);
	if (strncmp(host_panic_text, rule, strlen(rule)) != 0 || !strstr(host_panic_text, what))
		fail_msg("%lx-%lx: \"%s\", not %s and %s", start, end, host_panic_text, rule, what);
}

static void by_address(void **state)
{
	const u64 area = cpu_area(3);
	static const struct {
		u64 start, end;
		const char *rule, *what;
	} fixed[] = {
		{0, PAGE_SIZE, "R2:", "user memory"},
		{USER_END - PAGE_SIZE, USER_END, "R2:", "user memory"},
		{DIRECT_MAP_BASE, DIRECT_MAP_BASE + PAGE_SIZE, "R8:", "the direct map"},
		{VMALLOC_START - PAGE_SIZE, VMALLOC_START + PAGE_SIZE, "R8:", "nothing"},
		{VMALLOC_END - PAGE_SIZE, VMALLOC_END + PAGE_SIZE, "R8:", "nothing"},
		{KSTACK_BASE, KSTACK_BASE + PAGE_SIZE, "R8:", "a kernel stack"},
		{KERNEL_BASE, KERNEL_BASE + PAGE_SIZE, "R8:", "the kernel image"},
		{ENTRY_CODE, ENTRY_CODE + PAGE_SIZE, "R2:", "the kernel image"},
		{ENTRY_CODE - PAGE_SIZE, ENTRY_CODE + PAGE_SIZE, "R2:", "the kernel image"},
		{ENTRY_CODE + PAGE_SIZE, ENTRY_CODE + 2 * PAGE_SIZE, "R8:", "the kernel image"},
		{IO_BASE, IO_BASE + PAGE_SIZE, "R10:", "device memory"},
		{IO_BASE - PAGE_SIZE, IO_BASE + PAGE_SIZE, "R10:", "device memory"},
		{IO_END - PAGE_SIZE, IO_END, "R10:", "device memory"},
		/* All at once: the descriptor tables weigh most. */
		{VMALLOC_START, IO_END, "R8:", "the vmalloc area"},
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(fixed); i++) {
		const char *rule = undeferrable_rule(fixed[i].start, fixed[i].end);

		assert_refused(fixed[i].start, fixed[i].end, fixed[i].rule, fixed[i].what);
		assert_non_null(rule);
		assert_memory_equal(rule, fixed[i].rule, strlen(rule));
	}
	assert_null(undeferrable_rule(VMALLOC_START, VMALLOC_END));
	assert_refused(area, area + PAGE_SIZE, "R2:", "per-CPU block");
	assert_refused(area + CPU_AREA_USER_PAGE, area + CPU_AREA_TABLES, "R2:", "page for ring 3");
	assert_refused(area + CPU_AREA_TABLES, area + CPU_AREA_TABLES + PAGE_SIZE,
		       "R8:", "GDT and TSS");
	assert_refused(area + CPU_AREA_ENTRY_STACK, area + CPU_AREA_ENTRY_STACK + PAGE_SIZE,
		       "R8:", "entry stack");
	assert_refused(area + CPU_AREA_IST_STACKS + 3 * CPU_AREA_IST_STEP,
		       area + CPU_AREA_IST_STACKS + 3 * CPU_AREA_IST_STEP + PAGE_SIZE,
		       "R8:", "IST stacks");
	assert_refused(cpu_area(MAX_CPUS), cpu_area(MAX_CPUS) + PAGE_SIZE,
		       "R2:", "a CPU entry area");
	assert_int_equal(irqs_saved, 0);
}

static void what_is_fine(void **state)
{
	(void)state;
	assert_deferrable(VMALLOC_START, VMALLOC_END);
	assert_deferrable(VMALLOC_START, VMALLOC_START + PAGE_SIZE);
	assert_deferrable(VMALLOC_END - PAGE_SIZE, VMALLOC_END);
	assert_int_equal(irqs_saved, 3);
	assert_deferrable(0, TLB_FLUSH_ALL); /* of everything, for whatever reason */
	assert_int_equal(irqs_saved, 3);
	assert_int_equal(map_page(kernel_root, VMALLOC_START, 0, PAGE_KERNEL), 0);
	assert_int_equal(map_range(kernel_root, VMALLOC_START + PMD_SIZE, 0, PMD_SIZE,
				   PAGE_KERNEL | MAP_LARGE_OK),
			 0);
	assert_deferrable(VMALLOC_START, VMALLOC_END);
	assert_deferrable(VMALLOC_START + PMD_SIZE, VMALLOC_END);
}

/* The page is looked at wherever it is among the first 64, mapped by whatever size. */
static void by_entry(void **state)
{
	static const struct {
		u64 flags;
		const char *rule;
	} kinds[] = {{PTE_USER, "R2:"},
		     {PTE_PCD, "R10:"},
		     {PTE_PWT, "R10:"},
		     {PTE_PCD | PTE_PWT, "R10:"},
		     {PTE_USER | PTE_PWT, "R2:"}};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
		u64 va = VMALLOC_START + i * GIB(1) + 100 * PAGE_SIZE;
		u64 large = VMALLOC_START + i * GIB(1) + PMD_SIZE;

		assert_int_equal(map_page(kernel_root, va, 0, PAGE_KERNEL | kinds[i].flags), 0);
		assert_refused(va, va + PAGE_SIZE, kinds[i].rule, "the vmalloc area");
		assert_refused(va - 63 * PAGE_SIZE, va + PAGE_SIZE, kinds[i].rule, "vmalloc");
		assert_deferrable(va - 63 * PAGE_SIZE, va);
		assert_deferrable(va - 64 * PAGE_SIZE, va + PAGE_SIZE); /* too far behind */
		assert_deferrable(va + PAGE_SIZE, va + 2 * PAGE_SIZE);
		assert_int_equal(map_range(kernel_root, large, 0, PMD_SIZE,
					   PAGE_KERNEL | kinds[i].flags | MAP_LARGE_OK),
				 0);
		assert_refused(large + MIB(1), large + PMD_SIZE, kinds[i].rule, "vmalloc");
		unmap_range_noflush(kernel_root, va, large + PMD_SIZE);
		assert_deferrable(va, large + PMD_SIZE); /* gone: what it was cannot be seen */
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(by_address), TEST(what_is_fine), TEST(by_entry)};

	return cmocka_run_group_tests_name("deferrable", tests, NULL, NULL);
}
