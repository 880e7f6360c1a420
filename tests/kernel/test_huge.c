/* SPDX-License-Identifier: MIT */
/*
 * vmalloc_huge() on the real page tables: one entry for 2 MiB, seen alike by every CPU; and the
 * flush that goes before it where a page table is in the way. That one nobody may defer (R1): a CPU
 * in ring 3 under a policy that defers must be interrupted for it, flush everything there and then,
 * and must not be left a note instead.
 */
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/smp_call.h"
#include "mm/frames.h"
#include "mm/policy/context_tracking.h"
#include "mm/tlbflush.h"
#include "mm/vmalloc.h"
#include "tests/kernel/probe.h"
#include "tests/kernel/ring3.h"

static u64 probe_address, probe_expected;

static void probe_here(void *unused)
{
	(void)unused;
	EXPECT_EQ(probe_read(probe_address), probe_expected);
}

static void probe_everywhere(u64 address, u64 expected)
{
	probe_address = address;
	probe_expected = expected;
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		on_cpu(cpu, probe_here, NULL, "an access to a huge area");
}

static unsigned int level_of(u64 va)
{
	unsigned int level = 0;

	return lookup_pte(kernel_root, va, &level) ? level : 0;
}

KTEST(huge, contents_and_size_of_pages)
{
	const u64 pages = 1024 + 3;
	u64 huge_pages = vmalloc_stats().huge_pages;
	u64 *memory = vmalloc_huge(pages * PAGE_SIZE);
	u64 start = (u64)memory;

	ASSERT(memory);
	EXPECT(IS_ALIGNED(start, PMD_SIZE));
	for (u64 i = 0; i < pages; i++)
		memory[i * PAGE_SIZE / 8] = start + i;
	for (u64 i = 0; i < pages; i++) {
		u64 va = start + i * PAGE_SIZE;
		phys_addr_t pa = 0;

		ASSERT(walk(kernel_root, va, &pa, NULL));
		EXPECT_EQ(memory[i * PAGE_SIZE / 8], start + i);
		EXPECT_EQ(*(u64 *)phys_to_virt(pa), start + i);
	}
	EXPECT_EQ(level_of(start), 2);
	EXPECT_EQ(level_of(start + 2 * PMD_SIZE - 1), 2);
	EXPECT_EQ(level_of(start + 2 * PMD_SIZE), 1);
	EXPECT_EQ(vmalloc_stats().huge_pages - huge_pages, 2);
	probe_everywhere(start + PMD_SIZE + 12345, PROBE_OK);
	probe_everywhere(start + pages * PAGE_SIZE, VECTOR_PF);
	vfree(memory);
	vm_unmap_aliases();
	probe_everywhere(start, VECTOR_PF);
	probe_everywhere(start + PMD_SIZE + 12345, VECTOR_PF);
	EXPECT(!vmalloc_huge(0));
}

/* Where the next vmalloc_huge() of 2 MiB will be; a page table is left there. */
static u64 put_table_in_the_way(void)
{
	phys_addr_t frame = frame_alloc_zeroed();
	void *memory, *small;
	u64 va;

	vm_unmap_aliases();
	memory = vmalloc_huge(PMD_SIZE);
	va = (u64)memory;

	if (!frame || !memory)
		return 0;
	vfree(memory);
	vm_unmap_aliases();
	small = vmap_range(&frame, 1, PAGE_KERNEL, va, va + PMD_SIZE);
	vunmap(small);
	vm_unmap_aliases();
	frame_free(frame);
	return small && level_of(va) == 1 ? va : 0;
}

/* Every free is a flush of its own, too. */
static u64 flushes_of_a_free(void)
{
	return ktest_setup->options->debug_pagealloc ? 2 : 1;
}

static u64 before_all[MAX_CPUS], before_callbacks[MAX_CPUS];

static void note_flushes(void)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		before_all[cpu] = READ_ONCE(percpu(cpu)->tlb.nr_tlb_local_flush_all);
		before_callbacks[cpu] = READ_ONCE(percpu(cpu)->irqs.flush_callbacks);
	}
}

/* Replaces one table; every CPU executes one full flush in it, the others by an interrupt. */
static void replace_table(void)
{
	u64 va = put_table_in_the_way();
	u64 replaced = vmalloc_stats().tables_replaced;
	struct flush_totals totals = flush_totals();
	u64 *memory;

	ASSERT(va);
	note_flushes();
	memory = vmalloc_huge(PMD_SIZE);
	EXPECT_EQ((u64)memory, va);
	EXPECT_EQ(level_of(va), 2);
	EXPECT_EQ(vmalloc_stats().tables_replaced - replaced, 1);
	EXPECT_EQ(flush_totals().pgtable - totals.pgtable, 1);
	EXPECT_EQ(flush_totals().undeferrable - totals.undeferrable, 1);
	EXPECT_EQ(flush_totals().full - totals.full, 1);
	EXPECT_EQ(flush_totals().deferrable - totals.deferrable, 0);
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		EXPECT(percpu(cpu)->tlb.nr_tlb_local_flush_all > before_all[cpu]);
		EXPECT_EQ(percpu(cpu)->irqs.flush_callbacks - before_callbacks[cpu],
			  cpu != this_cpu_number());
	}
	if (memory) {
		memory[PMD_SIZE / 8 - 1] = va;
		EXPECT_EQ(memory[PMD_SIZE / 8 - 1], va);
	}
	vfree(memory);
	vm_unmap_aliases();
}

KTEST(huge, a_table_in_the_way_is_replaced)
{
	replace_table();
	replace_table();
}

static u32 word_of(unsigned int cpu)
{
	const struct context_tracking *ct = (const void *)percpu(cpu)->policy_shared;

	return __atomic_load_n(&ct->state, __ATOMIC_SEQ_CST) & (CT_STATE_MASK | CT_WORK_MASK);
}

KTEST(huge, ring3_is_interrupted_for_a_table)
{
	unsigned int target = nr_online_cpus() - 1;
	const struct flush_policy *policy = find_policy("state-bits");
	const struct call_stats *stats;
	u64 entries, deferred, ipis, va;
	struct ring3 r;
	void *memory;

	if (target == 0 || !policy) {
		ktest_skip("needs 2 CPUs and state-bits");
		return;
	}
	if (!select_policy_here(policy))
		return;
	ASSERT(ring3_create(&r, target, "test_loop", 0));
	ring3_start(&r);
	EXPECT_SOON(r.page->loops > 10);
	stats = &this_cpu()->call_stats[target];

	/* What the preparation leaves to the target's next entry is drained. */
	va = put_table_in_the_way();
	EXPECT(ring3_order(&r, LOOP_SYSCALLS, 1));
	EXPECT_SOON(word_of(target) == CT_USER);

	entries = READ_ONCE(user_page(target)->entries);
	deferred = stats->deferred;
	ipis = stats->ipis[CALL_FLUSH];
	note_flushes();
	memory = vmalloc_huge(PMD_SIZE);
	EXPECT_EQ((u64)memory, va);
	EXPECT_EQ(level_of(va), 2);
	EXPECT_EQ(stats->ipis[CALL_FLUSH] - ipis, 1);
	EXPECT_EQ(stats->deferred - deferred, 0);
	EXPECT_EQ(READ_ONCE(user_page(target)->entries) - entries, 1);
	EXPECT_EQ(percpu(target)->tlb.nr_tlb_local_flush_all - before_all[target], 1);
	EXPECT_SOON(word_of(target) == CT_USER); /* and no work bit in place of it */

	/* The end of the area is an ordinary flush again: deferred, nobody is interrupted. */
	vfree(memory);
	vm_unmap_aliases();
	EXPECT_EQ(stats->deferred - deferred, flushes_of_a_free());
	EXPECT_EQ(stats->ipis[CALL_FLUSH] - ipis, 1);
	ring3_finish(&r);
	select_default_policy();
}
