/* SPDX-License-Identifier: MIT */
/*
 * Two roots: what ring 3's root holds and what it does not, who is global, and that every door
 * finds its way from one root to the other and back.
 *
 * What the tables hold is asked by walk(). That the doors work with it is asked by using them: a
 * door that needs anything else on ring 3's root faults there, and the machine ends. NMIs are sent
 * to CPUs in ring 3 and to idle ones, whose root must not be taken for ring 3's.
 */
#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/roots.h"
#include "arch/x86_64/traps.h"
#include "mm/vmalloc.h"
#include "tests/kernel/probe.h"
#include "tests/kernel/ring3.h"

extern const char entry_text_start[], entry_text_end[];
extern const char entry_data_start[], entry_data_end[];
extern const char kernel_text_start[], kernel_rodata_start[], kernel_data_end[];

static void use_roots(enum policy_roots roots)
{
	const struct policy_mode mode = {roots, false};

	select_policy(find_policy("immediate"), &mode);
}

static u64 flags_of(phys_addr_t root, u64 va)
{
	u64 flags = 0;

	return walk(root, va, NULL, &flags) ? flags | PTE_PRESENT : 0;
}

/* The same frame behind VA in both roots, and never for ring 3. */
static bool shared(phys_addr_t root, u64 va)
{
	phys_addr_t kernel = 1, ring3 = 2;
	u64 flags = 0;

	return walk(root, va, &kernel, NULL) && walk(root + PAGE_SIZE, va, &ring3, &flags) &&
	       kernel == ring3 && !(flags & PTE_USER);
}

KTEST(roots, ring3_root_holds_the_doors_and_no_more)
{
	u64 area = cpu_area(this_cpu_number());
	void *memory = vmalloc(PAGE_SIZE);
	phys_addr_t root;
	struct ring3 r;
	const u64 lacks[] = {
		(u64)memory,
		DIRECT_MAP_BASE + MIB(1),
		(u64)kernel_text_start,
		(u64)kernel_rodata_start,
		(u64)kernel_data_end - PAGE_SIZE,
		KSTACK_BASE + PAGE_SIZE,
	};

	ASSERT(memory);
	use_roots(ROOTS_TWO);
	ASSERT(ring3_create(&r, this_cpu_number(), "test_loop", 0));
	root = r.task->mm.root;
	roots_split(root);
	for (const char *p = entry_text_start; p < entry_text_end; p += PAGE_SIZE)
		EXPECT(shared(root, (u64)p));
	for (const char *p = entry_data_start; p < entry_data_end; p += PAGE_SIZE)
		EXPECT(shared(root, (u64)p));
	EXPECT(shared(root, area + CPU_AREA_PERCPU));
	EXPECT(shared(root, area + CPU_AREA_TABLES));
	EXPECT(shared(root, area + CPU_AREA_ENTRY_STACK));
	for (u32 i = 0; i < ARRAY_SIZE(lacks); i++) {
		EXPECT(flags_of(root, lacks[i]));
		EXPECT(!flags_of(root + PAGE_SIZE, lacks[i]));
	}
	EXPECT_EQ(flags_of(root + PAGE_SIZE, r.task->entry) & PTE_NX, 0);
	if (cpu_features.nx)
		EXPECT(flags_of(root, r.task->entry) & PTE_NX);
	ring3_destroy(&r);
	vfree(memory);
	use_roots(ROOTS_ONE);
}

KTEST(roots, global_where_both_roots_may_keep_it)
{
	u64 area = cpu_area(this_cpu_number());
	void *one = vmalloc(PAGE_SIZE);
	void *two;

	if (!cpu_features.pge) {
		ktest_skip("this CPU has no global pages");
		return;
	}
	EXPECT(flags_of(kernel_root, (u64)one) & PTE_GLOBAL);
	use_roots(ROOTS_TWO);
	two = vmalloc(PAGE_SIZE);
	EXPECT(!(flags_of(kernel_root, (u64)one) & PTE_GLOBAL));
	EXPECT(!(flags_of(kernel_root, (u64)two) & PTE_GLOBAL));
	EXPECT(!(flags_of(kernel_root, (u64)kernel_text_start) & PTE_GLOBAL));
	EXPECT(!(flags_of(kernel_root, DIRECT_MAP_BASE + MIB(1)) & PTE_GLOBAL));
	EXPECT(flags_of(kernel_root, (u64)entry_text_start) & PTE_GLOBAL);
	EXPECT(flags_of(kernel_root, area + CPU_AREA_ENTRY_STACK) & PTE_GLOBAL);
	use_roots(ROOTS_ONE);
	EXPECT(flags_of(kernel_root, (u64)two) & PTE_GLOBAL);
	EXPECT(flags_of(kernel_root, (u64)kernel_text_start) & PTE_GLOBAL);
	vfree(one);
	vfree(two);
}

static u64 nmi_cr3;
static u32 nmis;

static void note_root(struct pt_regs *regs)
{
	(void)regs;
	nmi_cr3 = read_cr3();
	__atomic_add_fetch(&nmis, 1, __ATOMIC_SEQ_CST);
}

static bool send_nmi(unsigned int cpu)
{
	u32 before = __atomic_load_n(&nmis, __ATOMIC_SEQ_CST);

	apic_send_nmi(percpu(cpu)->apic_id);
	return wait_until(SOON_MS, __atomic_load_n(&nmis, __ATOMIC_SEQ_CST) != before);
}

/* Every handler runs on the kernel's root, wherever the NMI strikes, and leaves the root it met. */
KTEST(roots, nmi_everywhere)
{
	unsigned int target = nr_online_cpus() - 1;
	struct ring3 r;

	use_roots(ROOTS_TWO);
	nmi_hook = note_root;
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		ASSERT(send_nmi(cpu));
		EXPECT_EQ(nmi_cr3 & PAGE_MASK, kernel_root);
	}
	if (target && ring3_create(&r, target, "test_loop", 0)) {
		ring3_start(&r);
		EXPECT_SOON(r.page->loops > 10);
		for (u32 round = 0; round < 10; round++) {
			u64 loops;

			ASSERT(send_nmi(target));
			EXPECT_EQ(nmi_cr3 & PAGE_MASK, r.task->mm.root);
			loops = r.page->loops;
			EXPECT_SOON(r.page->loops != loops);
			EXPECT(ring3_order(&r, LOOP_SYSCALLS, 3));
		}
		ring3_finish(&r);
	}
	nmi_hook = NULL;
	use_roots(ROOTS_ONE);
}
