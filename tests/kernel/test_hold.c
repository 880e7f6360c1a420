/* SPDX-License-Identifier: MIT */
/*
 * The quarantine on live CPUs, under a policy of this file's own: state-bits, and a CPU lags until
 * its generation says otherwise. The last CPU sits in ring 3 (user/test_loop.c), so purges are
 * deferred for it: what is freed must come back when it has entered, or when it was forced, and not
 * before. Every detail of the books is tested on the host (tests/host/test_vmalloc_hold.c).
 */
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp_call.h"
#include "kernel/storm.h"
#include "mm/frames.h"
#include "mm/tlbflush.h"
#include "mm/vmalloc.h"
#include "mm/vmap_hold.h"
#include "tests/kernel/probe.h"
#include "tests/kernel/ring3.h"

static struct flush_policy holding;

static unsigned int target(void)
{
	return nr_online_cpus() - 1;
}

static bool lags(unsigned int cpu, u64 generation)
{
	return __atomic_load_n(&percpu(cpu)->tlb_gen.covered, __ATOMIC_ACQUIRE) < generation;
}

/* The policy is in force and the target spins in ring 3; false if that cannot be. */
static bool begin(struct ring3 *r)
{
	const struct flush_policy *base = find_policy("state-bits");

	if (target() == 0 || !base) {
		ktest_skip("needs 2 CPUs and state-bits");
		return false;
	}
	vm_unmap_aliases(); /* what earlier tests have left would rest, too */
	holding = *base;
	holding.name = "state-bits with lags";
	holding.lags = lags;
	if (!select_policy_here(&holding))
		return false;
	if (!ring3_create(r, target(), "test_loop", 0)) {
		select_default_policy();
		return false;
	}
	ring3_start(r);
	EXPECT_SOON(r->page->loops > 10);
	return true;
}

/* Whatever is held then, the change of policy releases. */
static void end(struct ring3 *r)
{
	struct vmalloc_stats stats;

	ring3_finish(r);
	select_default_policy();
	stats = vmalloc_stats();
	EXPECT_EQ(stats.held_pages, 0);
	EXPECT_EQ(stats.held_frames, 0);
	EXPECT_EQ(stats.held_batches, 0);
	EXPECT_EQ(stats.nr_lazy, 0);
}

static enum vmap_state state_of(const void *address)
{
	struct vmap_area_info info;

	return find_vmap_area((u64)address, &info);
}

static phys_addr_t frame_of(const void *address)
{
	phys_addr_t pa = 0;

	walk(kernel_root, (u64)address, &pa, NULL);
	return pa;
}

static const struct call_stats *to_target(void)
{
	return &this_cpu()->call_stats[target()];
}

KTEST(hold, memory_rests_until_ring3_has_entered)
{
	struct ring3 r;
	void *old, *young;
	phys_addr_t frame;
	u64 deferred, ipis;

	if (!begin(&r))
		return;
	deferred = to_target()->deferred;
	ipis = to_target()->ipis[CALL_FLUSH];
	old = vmalloc(PAGE_SIZE);
	frame = frame_of(old);
	vfree(old);
	vm_unmap_aliases();
	EXPECT_EQ(state_of(old), VMAP_HELD);
	young = vmalloc(PAGE_SIZE);
	EXPECT(young != old);
	EXPECT(frame_of(young) != frame);
	vm_unmap_aliases();
	EXPECT_EQ(state_of(old), VMAP_HELD);
	EXPECT_EQ(to_target()->deferred - deferred, ktest_setup->options->debug_pagealloc ? 2 : 1);
	EXPECT_EQ(to_target()->ipis[CALL_FLUSH] - ipis, 0);

	EXPECT(ring3_order(&r, LOOP_SYSCALLS, 1));
	vm_unmap_aliases();
	EXPECT_EQ(state_of(old), VMAP_NO_AREA);
	EXPECT_EQ(to_target()->ipis[CALL_FLUSH] - ipis, 0);
	vfree(young);
	young = vmalloc(PAGE_SIZE);
	EXPECT_EQ((u64)young, (u64)old);
	vfree(young);
	end(&r);
}

/* Over the bound the CPU in ring 3 is interrupted, once; those in the kernel need not be. */
KTEST(hold, the_bound_forces_ring3)
{
	struct flush_totals totals;
	struct vmalloc_stats before;
	u64 freed = 0, entries, forced;
	struct ring3 r;

	if (!begin(&r))
		return;
	vm_unmap_aliases();
	before = vmalloc_stats();
	totals = flush_totals();
	forced = to_target()->forced;
	entries = READ_ONCE(user_page(target())->entries);
	while (vmalloc_stats().forced_flushes == before.forced_flushes) {
		void *memory = vmalloc(64 * PAGE_SIZE);

		ASSERT(memory);
		EXPECT_EQ(READ_ONCE(user_page(target())->entries), entries);
		vfree(memory);
		freed += 64;
		ASSERT(freed <= frame_counts().total / VMAP_HOLD_FRAMES_SHARE + 64);
	}
	EXPECT(freed > 64);
	EXPECT_EQ(vmalloc_stats().forced_flushes - before.forced_flushes, 1);
	EXPECT_EQ(flush_totals().forced - totals.forced, 1);
	EXPECT_EQ(flush_totals().forced_ipis - totals.forced_ipis, 1);
	EXPECT_EQ(to_target()->forced - forced, 1);
	EXPECT_EQ(READ_ONCE(user_page(target())->entries) - entries, 1);
	EXPECT_EQ(vmalloc_stats().held_pages, 0);
	EXPECT_EQ(vmalloc_stats().held_frames, 0);
	EXPECT(vmalloc_stats().held_frames_most >= freed);
	end(&r);
}

static struct storm_worker worker;

KTEST(hold, a_storm_under_quarantine)
{
	struct vmalloc_stats before, now;
	struct ring3 r;

	if (!begin(&r))
		return;
	before = vmalloc_stats();
	ASSERT(storm_init(&worker, ktest_setup->options->seed, 0, 30));
	for (u32 i = 0; i < 300; i++) {
		storm_operation(&worker);
		if (i % 50 == 49)
			EXPECT(ring3_order(&r, LOOP_SYSCALLS, 1));
	}
	EXPECT_EQ(worker.failures, 0);
	EXPECT_EQ(worker.corrupted, 0);
	storm_end(&worker);
	now = vmalloc_stats();
	EXPECT(now.held_batches_ever - before.held_batches_ever > 50);
	EXPECT(now.areas_purged > before.areas_purged);
	EXPECT_EQ(tlb_gen_uncovered(&this_cpu()->tlb_gen), 0);
	end(&r);
}
