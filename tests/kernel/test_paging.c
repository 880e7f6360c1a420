/* SPDX-License-Identifier: MIT */
/*
 * The live page tables of the kernel: rights by section, guard pages, what ring 0 may not do with
 * ring 3's pages, and that every root shares the vmalloc area's tables.
 *
 * Each right is asked for twice. Once in the tables, by walk(): that finds a wrong entry wherever
 * it is, but believes that the CPU obeys. And once by doing it: a write, a read or an instruction
 * fetch that has to end in #PF. That finds CR0.WP, EFER.NXE, CR4.SMEP or CR4.SMAP left off, which
 * no table shows.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/regs.h"
#include "mm/frames.h"
#include "tests/kernel/probe.h"
#include "tests/kernel/ring3.h"

#define RET 0xc3

extern const char kernel_text_start[], kernel_text_end[];
extern const char kernel_rodata_start[], kernel_rodata_end[];
extern const char kernel_data_start[], kernel_data_end[];

/* Executable where nothing is: in constants, in data. */
static const u8 ret_in_rodata[16] = {RET};
static u8 ret_in_data[16] = {RET};

static u64 alias_of(const void *symbol)
{
	return (u64)symbol - KERNEL_BASE + DIRECT_MAP_BASE;
}

/* Every page of a section has exactly these rights, in the image and in the direct map. */
KTEST(paging, rights_by_section)
{
	static const struct {
		const char *name, *start, *end;
		u64 image, alias; /* of PTE_WRITE and PTE_NX */
	} sections[] = {
		{"text", kernel_text_start, kernel_text_end, 0, PTE_NX},
		{"rodata", kernel_rodata_start, kernel_rodata_end, PTE_NX, PTE_NX},
		{"data", kernel_data_start, kernel_data_end, PTE_WRITE | PTE_NX,
		 PTE_WRITE | PTE_NX},
	};
	u64 mask = PTE_WRITE | PTE_USER | (cpu_features.nx ? PTE_NX : 0);

	for (u32 i = 0; i < ARRAY_SIZE(sections); i++) {
		EXPECT(sections[i].start < sections[i].end);
		for (const char *p = sections[i].start; p < sections[i].end; p += PAGE_SIZE) {
			u64 image = 0, alias = 0;
			phys_addr_t image_pa = 0, alias_pa = 1;

			ASSERT(walk(kernel_root, (u64)p, &image_pa, &image));
			ASSERT(walk(kernel_root, alias_of(p), &alias_pa, &alias));
			if (image_pa != alias_pa || (image & mask) != (sections[i].image & mask) ||
			    (alias & mask) != (sections[i].alias & mask)) {
				ktest_fail(__FILE__, __LINE__, "%s at %p: %lx, alias %lx",
					   sections[i].name, (const void *)p, image, alias);
				return;
			}
		}
	}
}

/* Leaves below TABLE that are writable and executable; a right needs every level's consent. */
static u64 writable_and_executable(phys_addr_t table, unsigned int level, u64 rights, u64 *leaves)
{
	const u64 *entries = phys_to_virt(table);
	u64 found = 0;

	for (u32 i = level == 4 ? 256 : 0; i < 512; i++) {
		u64 entry = entries[i];
		u64 here = (rights & entry & PTE_WRITE) | ((rights | entry) & PTE_NX);

		if (!(entry & PTE_PRESENT))
			continue;
		if (level > 1 && !(entry & PTE_LARGE)) {
			found += writable_and_executable(entry & PTE_ADDR_MASK, level - 1, here,
							 leaves);
			continue;
		}
		++*leaves;
		if ((here & PTE_WRITE) && !(here & PTE_NX))
			found++;
	}
	return found;
}

KTEST(paging, no_page_writable_and_executable)
{
	u64 leaves = 0;

	if (!cpu_features.nx) {
		ktest_skip("this CPU has no NX");
		return;
	}
	EXPECT_EQ(writable_and_executable(kernel_root, 4, PTE_WRITE, &leaves), 0);
	EXPECT(leaves > 100);
}

/* On every CPU: CR0.WP and EFER.NXE are the CPU's own. */
static void break_rights(void *unused)
{
	(void)unused;
	EXPECT_EQ(probe_write((u64)kernel_text_start), VECTOR_PF);
	EXPECT_EQ(probe_write((u64)ret_in_rodata), VECTOR_PF);
	EXPECT_EQ(probe_write(alias_of(kernel_text_start)), VECTOR_PF);
	EXPECT_EQ(probe_write(alias_of(ret_in_rodata)), VECTOR_PF);
	EXPECT_EQ(probe_write((u64)ret_in_data), PROBE_OK);
	EXPECT_EQ(probe_write(alias_of(ret_in_data)), PROBE_OK);
}

KTEST(paging, writes_to_constants_fault)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		on_cpu(cpu, break_rights, NULL, "forbidden writes");
}

static void execute_data(void *unused)
{
	(void)unused;
	EXPECT_EQ(probe_exec((u64)ret_in_rodata), VECTOR_PF);
	EXPECT_EQ(probe_exec((u64)ret_in_data), VECTOR_PF);
	EXPECT_EQ(probe_exec(alias_of(ret_in_data)), VECTOR_PF);
	EXPECT_EQ(probe_exec(alias_of(kernel_text_start)), VECTOR_PF);
}

KTEST(paging, execution_of_data_faults)
{
	if (!cpu_features.nx) {
		ktest_skip("this CPU has no NX");
		return;
	}
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		on_cpu(cpu, execute_data, NULL, "forbidden fetches");
}

/* The control of the three above: a fetch that is allowed comes back without a fault. */
KTEST(paging, execution_of_text_works)
{
	const u8 *text = (const u8 *)kernel_text_start;

	while (*text != RET)
		text++;
	EXPECT_EQ(probe_exec((u64)text), PROBE_OK);
}

/* On a task's root: ring 3's pages from ring 0. The user's page holds RET. */
static void touch_user_pages(void *arg)
{
	struct ring3 *r = arg;

	write_cr3(r->task->mm.root);
	if (cpu_features.smap) {
		EXPECT_EQ(probe_read(TEST_DATA_VA), VECTOR_PF);
		EXPECT_EQ(probe_write(TEST_PAGE_VA), VECTOR_PF);
	} else {
		EXPECT_EQ(probe_read(TEST_DATA_VA), PROBE_OK);
	}
	if (cpu_features.smep)
		EXPECT_EQ(probe_exec(TEST_PAGE_VA + PAGE_SIZE * 2), VECTOR_PF);
	else
		EXPECT_EQ(probe_exec(TEST_PAGE_VA + PAGE_SIZE * 2), PROBE_OK);
	write_cr3(kernel_root);
}

KTEST(paging, user_pages_are_not_the_kernels)
{
	struct ring3 r;
	phys_addr_t code = frame_alloc_zeroed();

	ASSERT(code);
	*(u8 *)phys_to_virt(code) = RET;
	if (ring3_create(&r, 0, "test_loop", 0)) {
		EXPECT_EQ(task_map(r.task, TEST_PAGE_VA + PAGE_SIZE * 2, code, 0), 0);
		for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
			on_cpu(cpu, touch_user_pages, &r, "forbidden user pages");
		ring3_destroy(&r);
	}
	frame_free(code);
	if (!cpu_features.smap || !cpu_features.smep)
		ktest_skip("this CPU has no SMEP or no SMAP: seen from the other side only");
}

static void expect_guarded(const char *name, unsigned int cpu, u64 bottom, u64 top)
{
	bool mapped = walk(kernel_root, bottom, NULL, NULL) &&
		      walk(kernel_root, top - 1, NULL, NULL);
	bool guarded = !walk(kernel_root, bottom - 1, NULL, NULL) &&
		       !walk(kernel_root, top, NULL, NULL);

	if (!mapped || !guarded || probe_read(bottom - 1) != VECTOR_PF ||
	    probe_read(top) != VECTOR_PF)
		ktest_fail(__FILE__, __LINE__, "CPU %u, %s stack %lx-%lx: mapped %d, guarded %d",
			   cpu, name, bottom, top, mapped, guarded);
}

static void read_rsp(void *rsp)
{
	__asm__ volatile("mov %%rsp, %0" : "=r"(*(u64 *)rsp));
}

KTEST(paging, guard_pages_around_every_stack)
{
	static const char *const ist[NR_IST_STACKS] = {"NMI", "#DF", "#MC", "#DB"};

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		u64 entry = cpu_area(cpu) + CPU_AREA_ENTRY_STACK;
		u64 slot = KSTACK_BYTES + 2 * PAGE_SIZE;
		u64 rsp = 0, bottom;

		expect_guarded("entry", cpu, entry, entry + CPU_AREA_STACK_SIZE);
		for (u32 i = 0; i < NR_IST_STACKS; i++) {
			u64 stack = cpu_area(cpu) + CPU_AREA_IST_STACKS + i * CPU_AREA_IST_STEP;

			expect_guarded(ist[i], cpu, stack, stack + CPU_AREA_STACK_SIZE);
		}
		on_cpu(cpu, read_rsp, &rsp, "its stack pointer");
		EXPECT(rsp > KSTACK_BASE && rsp < KSTACK_BASE + KSTACK_SIZE);
		bottom = KSTACK_BASE + (rsp - KSTACK_BASE) / slot * slot + PAGE_SIZE;
		expect_guarded("kernel", cpu, bottom, bottom + KSTACK_BYTES);
	}
}

/* R1 rests on it: what the kernel maps later must show in every root that was copied before. */
KTEST(paging, roots_share_the_vmalloc_tables)
{
	const u64 *kernel = phys_to_virt(kernel_root);
	const u64 *root;
	struct ring3 r;
	u32 first = VMALLOC_START >> 39 & 511;
	u32 last = (VMALLOC_END - 1) >> 39 & 511;

	EXPECT_EQ(last - first + 1, 64);
	ASSERT(ring3_create(&r, 0, "test_loop", 0));
	root = phys_to_virt(r.task->mm.root);
	for (u32 i = first; i <= last; i++) {
		EXPECT(kernel[i] & PTE_PRESENT);
		EXPECT_EQ(root[i] & ~PTE_ACCESSED, kernel[i] & ~PTE_ACCESSED);
	}
	ring3_destroy(&r);
}
