/* SPDX-License-Identifier: MIT */
/*
 * Each TLB primitive on each CPU, judged by the refill oracle (after XTF's invlpg test): two pages
 * are touched, so that both are in the TLB; the Accessed bits of both entries are cleared behind
 * its back; the primitive runs; both are touched again. A page whose Accessed bit has come back was
 * walked again, so its translation was gone; a page whose bit stays clear was still cached. No
 * timing, and nothing is ever read through a wrong translation.
 *
 * What must be dropped has to be dropped every time. What may be kept is another matter: a CPU may
 * drop more than it is asked to at any time (SDM Vol 3 4.10.4.1, "may invalidate"), so a kept page
 * has to be seen once within 20 tries. Without that half the suite would pass on a CPU, or with a
 * primitive, that always drops everything.
 *
 * Emulators: QEMU's interpreter drops global entries at a CR3 write, unlike hardware; and once an
 * area with a 2 MiB page is in its TLB, INVLPG within that area drops everything. There the suite
 * expects exactly that of CR3, and nothing of the page beside an INVLPG of 2 MiB pages. Bochs takes
 * INVPCID of one address for one of the whole PCID, so nothing is expected of the page beside it.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/tlb.h"
#include "mm/frames.h"
#include "mm/tlbflush.h"
#include "tests/kernel/probe.h"

/* A top-level slot that nobody uses; 4 KiB pages at the start, 2 MiB pages behind them. */
#define TEST_AREA 0xfffff00000000000UL
#define TRIES	  20

struct pages {
	const char *name;
	u64 va[2];
	u64 flags;
	phys_addr_t block;
	size_t frames;
	pte_t *pte[2];
};

static struct pages kinds[] = {
	{"4 KiB", {TEST_AREA, TEST_AREA + PAGE_SIZE}, PAGE_KERNEL & ~PTE_GLOBAL, 0, 2, {0}},
	{"4 KiB global",
	 {TEST_AREA + 2 * PAGE_SIZE, TEST_AREA + 3 * PAGE_SIZE},
	 PAGE_KERNEL,
	 0,
	 2,
	 {0}},
	{"2 MiB",
	 {TEST_AREA + GIB(1), TEST_AREA + GIB(1) + PMD_SIZE},
	 PAGE_KERNEL & ~PTE_GLOBAL,
	 0,
	 1024,
	 {0}},
	{"2 MiB global",
	 {TEST_AREA + GIB(2), TEST_AREA + GIB(2) + PMD_SIZE},
	 PAGE_KERNEL,
	 0,
	 1024,
	 {0}},
};

static bool is_large(const struct pages *p)
{
	return p->frames > 2;
}

static bool is_global(const struct pages *p)
{
	return (p->flags & PTE_GLOBAL) && cpu_features.pge;
}

static bool map_pages(struct pages *p)
{
	u64 len = p->va[1] - p->va[0];
	unsigned int level;

	if (!p->block)
		p->block = frame_alloc_block(p->frames, len);
	if (!p->block ||
	    map_range(kernel_root, p->va[0], p->block, 2 * len, p->flags | MAP_LARGE_OK))
		return false;
	for (u32 i = 0; i < 2; i++) {
		p->pte[i] = lookup_pte(kernel_root, p->va[i], &level);
		if (!p->pte[i] || level != (is_large(p) ? 2 : 1))
			return false;
	}
	return true;
}

static void unmap_pages(struct pages *p)
{
	if (!p->block)
		return;
	unmap_range_noflush(kernel_root, p->va[0], p->va[1] + (p->va[1] - p->va[0]));
	flush_tlb_kernel_range(0, TLB_FLUSH_ALL);
	frame_free_block(p->block, p->frames);
	p->block = 0;
}

enum fate { DROPPED, KEPT, EITHER };

struct primitive {
	const char *name;
	void (*run)(u64 va);
	bool needs_invpcid, needs_pge;
	/* Of the page itself and of the one beside it, not global and global. */
	enum fate self[2], beside[2];
};

static void do_invlpg(u64 va)
{
	tlb_invlpg(va);
}

static void do_one_kernel(u64 va)
{
	flush_tlb_one_kernel(va);
}

static void do_one_user(u64 va)
{
	flush_tlb_one_user_local(va);
}

static void do_cr3(u64 va)
{
	(void)va;
	tlb_write_cr3();
}

static void do_pge(u64 va)
{
	(void)va;
	tlb_toggle_pge();
}

static void do_all(u64 va)
{
	(void)va;
	__flush_tlb_all();
}

static void do_invpcid_addr(u64 va)
{
	tlb_invpcid(INVPCID_ADDR, 0, va);
}

static void do_invpcid_single(u64 va)
{
	(void)va;
	tlb_invpcid(INVPCID_SINGLE, 0, 0);
}

static void do_invpcid_all(u64 va)
{
	(void)va;
	tlb_invpcid(INVPCID_ALL_GLOBAL, 0, 0);
}

static void do_invpcid_non_global(u64 va)
{
	(void)va;
	tlb_invpcid(INVPCID_ALL_NON_GLOBAL, 0, 0);
}

static void do_nothing(u64 va)
{
	(void)va;
}

/* The first row is the control: without it a TLB that caches nothing would pass all others. */
static const struct primitive primitives[] = {
	{"nothing", do_nothing, false, false, {KEPT, KEPT}, {KEPT, KEPT}},
	{"INVLPG", do_invlpg, false, false, {DROPPED, DROPPED}, {KEPT, KEPT}},
	{"flush_tlb_one_kernel", do_one_kernel, false, false, {DROPPED, DROPPED}, {KEPT, KEPT}},
	{"flush_tlb_one_user_local", do_one_user, false, false, {DROPPED, DROPPED}, {KEPT, KEPT}},
	{"CR3 write", do_cr3, false, false, {DROPPED, KEPT}, {DROPPED, KEPT}},
	{"CR4.PGE toggle", do_pge, false, true, {DROPPED, DROPPED}, {DROPPED, DROPPED}},
	{"__flush_tlb_all", do_all, false, false, {DROPPED, DROPPED}, {DROPPED, DROPPED}},
	{"INVPCID address", do_invpcid_addr, true, false, {DROPPED, EITHER}, {EITHER, KEPT}},
	{"INVPCID one PCID", do_invpcid_single, true, false, {DROPPED, EITHER}, {DROPPED, EITHER}},
	{"INVPCID all", do_invpcid_all, true, false, {DROPPED, DROPPED}, {DROPPED, DROPPED}},
	{"INVPCID all but global",
	 do_invpcid_non_global,
	 true,
	 false,
	 {DROPPED, EITHER},
	 {DROPPED, EITHER}},
};

/* What this machine does where it differs from the rule. */
static enum fate expected(const struct primitive *primitive, const struct pages *p, bool beside)
{
	enum fate fate = beside ? primitive->beside[is_global(p)] : primitive->self[is_global(p)];

	if (!is_tcg() || fate != KEPT)
		return fate;
	if (primitive->run == do_cr3)
		return DROPPED;
	return is_large(p) && primitive->run != do_nothing ? EITHER : KEPT;
}

/* Which of the two pages were walked again after the primitive had run on the first. */
static void measure(const struct primitive *primitive, const struct pages *p, bool refilled[2])
{
	u64 flags = local_irq_save();

	for (u32 i = 0; i < 2; i++)
		load(p->va[i]);
	for (u32 i = 0; i < 2; i++)
		__atomic_fetch_and(p->pte[i], ~PTE_ACCESSED, __ATOMIC_SEQ_CST);
	primitive->run(p->va[0]);
	for (u32 i = 0; i < 2; i++)
		load(p->va[i]);
	for (u32 i = 0; i < 2; i++)
		refilled[i] = __atomic_load_n(p->pte[i], __ATOMIC_SEQ_CST) & PTE_ACCESSED;
	local_irq_restore(flags);
}

static void try(const struct primitive *primitive, const struct pages *p)
{
	enum fate fate[2] = {expected(primitive, p, false), expected(primitive, p, true)};
	bool seen[2] = {false, false};

	for (u32 n = 0; n < TRIES; n++) {
		bool refilled[2];

		measure(primitive, p, refilled);
		for (u32 i = 0; i < 2; i++) {
			if (fate[i] == DROPPED && !refilled[i]) {
				ktest_fail(__FILE__, __LINE__, "CPU %u, %s: %s keeps the page%s",
					   this_cpu_number(), p->name, primitive->name,
					   i ? " beside" : "");
				return;
			}
			seen[i] |= fate[i] != KEPT || !refilled[i];
		}
		if (seen[0] && seen[1])
			return;
	}
	ktest_fail(__FILE__, __LINE__, "CPU %u, %s: %s always drops the page%s", this_cpu_number(),
		   p->name, primitive->name, seen[0] ? " beside" : "");
}

/* Dropped pages are judged in every try of their own: the loop of try() may end with the first. */
static void try_all(void *pages)
{
	for (u32 i = 0; i < ARRAY_SIZE(primitives); i++) {
		const struct primitive *primitive = &primitives[i];

		if ((primitive->needs_invpcid && !cpu_features.invpcid) ||
		    (primitive->needs_pge && !cpu_features.pge))
			continue;
		for (u32 n = 0; n < 5; n++)
			try(primitive, pages);
	}
}

/* Maps the kind, runs it on each CPU; the tables stay, the frames do not. */
static void primitives_on(struct pages *p)
{
	if (!map_pages(p)) {
		ktest_fail(__FILE__, __LINE__, "no memory for two pages of %s", p->name);
		unmap_pages(p);
		return;
	}
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		on_cpu(cpu, try_all, p, "TLB primitives");
	unmap_pages(p);
}

KTEST(tlb, primitives_4k)
{
	primitives_on(&kinds[0]);
}

KTEST(tlb, primitives_4k_global)
{
	primitives_on(&kinds[1]);
	if (!cpu_features.pge)
		ktest_skip("this CPU has no global pages: the same as without");
}

KTEST(tlb, primitives_2m)
{
	primitives_on(&kinds[2]);
}

KTEST(tlb, primitives_2m_global)
{
	primitives_on(&kinds[3]);
	if (!cpu_features.pge)
		ktest_skip("this CPU has no global pages: the same as without");
}

KTEST(tlb, invpcid_is_there)
{
	if (!cpu_features.invpcid)
		ktest_skip("this CPU has no INVPCID: its four types were left out");
}

/*
 * The oracle of all oracles here, with the eyes: an entry that was changed but not flushed is still
 * used, and is not after a flush.
 */
static void read_through_a_change(void *pages)
{
	const struct pages *p = pages;
	u64 *first = phys_to_virt(p->block);
	u64 *second = phys_to_virt(p->block + PAGE_SIZE);
	pte_t kept = *p->pte[0];
	u64 flags = local_irq_save();
	u64 stale = 0;

	*first = 1;
	*second = 2;
	for (u32 n = 0; n < TRIES; n++) {
		tlb_invlpg(p->va[0]);
		EXPECT_EQ(load(p->va[0]), 1);
		__atomic_store_n(p->pte[0], *p->pte[1], __ATOMIC_SEQ_CST);
		stale += load(p->va[0]) == 1;
		flush_tlb_one_kernel(p->va[0]);
		EXPECT_EQ(load(p->va[0]), 2);
		__atomic_store_n(p->pte[0], kept, __ATOMIC_SEQ_CST);
		__flush_tlb_all();
		EXPECT_EQ(load(p->va[0]), 1);
	}
	local_irq_restore(flags);
	EXPECT(stale > 0);
}

KTEST(tlb, a_withheld_flush_is_seen)
{
	struct pages *p = &kinds[1];

	if (map_pages(p)) {
		for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
			on_cpu(cpu, read_through_a_change, p, "a changed entry");
	} else {
		ktest_fail(__FILE__, __LINE__, "no memory for two pages");
	}
	unmap_pages(p);
}

struct counts {
	u64 one, all, received;
};

static struct counts counts_of(unsigned int cpu)
{
	const struct tlb_counters *c = &percpu(cpu)->tlb;

	return (struct counts){READ_ONCE(c->nr_tlb_local_flush_one),
			       READ_ONCE(c->nr_tlb_local_flush_all),
			       READ_ONCE(c->nr_tlb_remote_flush_received)};
}

/* Flushes PAGES pages (0: everything) and expects this of every CPU: it is idle, or the caller. */
static void expect_counts(u64 (*flush)(u64, u64), u64 pages, u64 one, u64 all)
{
	static struct counts before[MAX_CPUS];
	u64 sent = this_cpu()->tlb.nr_tlb_remote_flush;

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		before[cpu] = counts_of(cpu);
	flush(VMALLOC_START, pages ? VMALLOC_START + pages * PAGE_SIZE : TLB_FLUSH_ALL);
	EXPECT_EQ(this_cpu()->tlb.nr_tlb_remote_flush - sent, 1);
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		struct counts now = counts_of(cpu);

		EXPECT_EQ(now.one - before[cpu].one, one);
		EXPECT_EQ(now.all - before[cpu].all, all);
		EXPECT_EQ(now.received - before[cpu].received, cpu != this_cpu_number());
		EXPECT_EQ(tlb_gen_uncovered(&percpu(cpu)->tlb_gen), 0);
	}
}

static u64 deferrable(u64 start, u64 end)
{
	return flush_tlb_kernel_range_deferrable(start, end);
}

/* Strictly more pages than the ceiling are flushed as a whole; both calls agree on it. */
KTEST(tlb, ceiling)
{
	static const struct {
		u32 ceiling;
		u64 pages, one, all;
	} cases[] = {
		{33, 1, 1, 0}, {33, 33, 33, 0}, {33, 34, 0, 1},	    {33, 0, 0, 1},    {1, 1, 1, 0},
		{1, 2, 0, 1},  {0, 1, 0, 1},	{100, 100, 100, 0}, {100, 101, 0, 1},
	};
	u32 kept = tlb_single_page_flush_ceiling;

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		tlb_single_page_flush_ceiling = cases[i].ceiling;
		expect_counts(flush_tlb_kernel_range, cases[i].pages, cases[i].one, cases[i].all);
		expect_counts(deferrable, cases[i].pages, cases[i].one, cases[i].all);
	}
	tlb_single_page_flush_ceiling = kept;
}

KTEST(tlb, totals)
{
	struct flush_totals before = flush_totals();
	struct flush_totals now;
	u32 kept = tlb_single_page_flush_ceiling;

	tlb_single_page_flush_ceiling = 33;
	flush_tlb_kernel_range(VMALLOC_START, VMALLOC_START + PAGE_SIZE);
	deferrable(VMALLOC_START, VMALLOC_START + 33 * PAGE_SIZE);
	deferrable(VMALLOC_START, VMALLOC_START + 34 * PAGE_SIZE);
	deferrable(VMALLOC_START, TLB_FLUSH_ALL);
	tlb_single_page_flush_ceiling = kept;
	now = flush_totals();
#if CONFIG_CONTEXT_TRACKING_WORK
	EXPECT_EQ(now.undeferrable - before.undeferrable, 1);
	EXPECT_EQ(now.deferrable - before.deferrable, 3);
#else
	EXPECT_EQ(now.undeferrable - before.undeferrable, 4);
	EXPECT_EQ(now.deferrable - before.deferrable, 0);
#endif
	EXPECT_EQ(now.ranged - before.ranged, 2);
	EXPECT_EQ(now.full - before.full, 2);
	EXPECT_EQ(now.user - before.user, 0);
}
