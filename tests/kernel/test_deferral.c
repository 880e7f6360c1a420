/* SPDX-License-Identifier: MIT */
/*
 * Deferral on live CPUs: whom a purge interrupts, what is recorded for whom it does not, and which
 * door executes it. The last CPU spins in ring 3 (user/test_loop.c) and enters when told to; the
 * boot CPU purges and reads that CPU's context word, its counters and the generation oracle, which
 * must say "uncovered" exactly between the purge and the drain.
 *
 * User mappings. A deferred kernel flush is a note that ring 3 never reads, so it may not stand in
 * for a flush of ring 3's own page: flush_tlb_mm_range() must interrupt the CPU at once although
 * work is already owed there, and must run its own INVLPG. That interrupt is a kernel entry like
 * any other, so the owed kernel flush is executed on its way in; the test expects both, each
 * counted for itself. That the page is really cached is shown first: ring 3 goes on reading the old
 * page after its entry was changed, for as long as nobody flushes.
 */
#include "arch/x86_64/apic.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/paging_table.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/traps.h"
#include "mm/frames.h"
#include "mm/policy/context_tracking.h"
#include "mm/policy/policy.h"
#include "mm/tlbflush.h"
#include "tests/kernel/probe.h"
#include "tests/kernel/ring3.h"

static unsigned int target(void)
{
	return nr_online_cpus() - 1;
}

static u32 word_of(unsigned int cpu)
{
	const struct context_tracking *ct = (const void *)percpu(cpu)->policy_shared;

	return __atomic_load_n(&ct->state, __ATOMIC_SEQ_CST);
}

static bool use_policy(const char *name)
{
	const struct flush_policy *policy = find_policy(name);

	if (nr_online_cpus() < 2) {
		ktest_skip("needs 2 CPUs");
		return false;
	}
	if (!policy) {
		ktest_skip("built without %s", name);
		return false;
	}
	return select_policy_here(policy);
}

/* Starts the spinning program and waits until it runs. */
static bool spin(struct ring3 *r)
{
	if (!ring3_create(r, target(), "test_loop", 0))
		return false;
	ring3_start(r);
	EXPECT_SOON(r->page->loops > 10);
	return true;
}

static void purge(void)
{
	flush_tlb_kernel_range_deferrable(VMALLOC_START, VMALLOC_START + PAGE_SIZE);
}

/* Everything that a flush may move, of the target. */
struct facts {
	u64 requests, ipis, deferred, raced, deferrable;
	u64 callbacks, drains, owed, entries;
};

static struct facts facts(void)
{
	const struct percpu *cpu = percpu(target());
	const struct call_stats *stats = &this_cpu()->call_stats[target()];

	return (struct facts){
		.requests = stats->requests[CALL_FLUSH],
		.ipis = stats->ipis[CALL_FLUSH],
		.deferred = stats->deferred,
		.raced = stats->raced,
		.deferrable = stats->deferrable,
		.callbacks = READ_ONCE(cpu->irqs.flush_callbacks),
		.drains = READ_ONCE(cpu->tlb.nr_drains),
		.owed = READ_ONCE(cpu->tlb.nr_owed_entries),
		.entries = READ_ONCE(user_page(target())->entries),
	};
}

static u64 uncovered(void)
{
	return tlb_gen_uncovered(&percpu(target())->tlb_gen);
}

/* --- Doors -------------------------------------------------------------------------------------
 */

static u32 word_in_kernel;

static void look_at_word(struct pt_regs *regs)
{
	(void)regs;
	__atomic_store_n(&word_in_kernel, word_of(target()), __ATOMIC_SEQ_CST);
}

enum door { BY_SYSCALL, BY_INTERRUPT, BY_NMI, BY_EXCEPTION, DOORS };

static void enter_by(struct ring3 *r, enum door door)
{
	word_in_kernel = 0;
	switch (door) {
	case BY_SYSCALL:
		EXPECT(ring3_order(r, LOOP_SYSCALLS, 1));
		break;
	case BY_INTERRUPT:
		test_irq_hook = look_at_word;
		apic_send_ipi(percpu(target())->apic_id, VECTOR_TEST);
		EXPECT_SOON(__atomic_load_n(&word_in_kernel, __ATOMIC_SEQ_CST));
		test_irq_hook = NULL;
		break;
	case BY_NMI:
		nmi_hook = look_at_word;
		apic_send_nmi(percpu(target())->apic_id);
		EXPECT_SOON(__atomic_load_n(&word_in_kernel, __ATOMIC_SEQ_CST));
		nmi_hook = NULL;
		break;
	default:
		r->page->order = LOOP_FAULT;
		r->page->order_number++;
		ring3_join(r);
		break;
	}
}

/*
 * Deferred once, drained once, whatever the door; `uncovered` in between and nowhere else. An NMI
 * flushes and leaves the drain to the next entry.
 */
static void drain_by(struct ring3 *r, enum door door)
{
	u64 drains = door != BY_NMI;
	struct facts before, now;

	EXPECT_SOON((word_of(target()) & (CT_STATE_MASK | CT_WORK_MASK)) == CT_USER);
	before = facts();
	EXPECT_EQ(uncovered(), 0);
	purge();
	purge();
	now = facts();
	EXPECT_EQ(now.deferred - before.deferred, 2);
	EXPECT_EQ(now.requests - before.requests, 0);
	EXPECT_EQ(now.entries - before.entries, 0);
	EXPECT_EQ(now.drains - before.drains, 0);
	EXPECT_EQ(uncovered(), 2);
	EXPECT_EQ(word_of(target()) & (CT_STATE_MASK | CT_WORK_MASK), CT_USER | CT_WORK_TLBI);
	enter_by(r, door);
	now = facts();
	EXPECT_EQ(now.entries - before.entries, 1);
	EXPECT_EQ(now.drains - before.drains, drains);
	EXPECT_EQ(now.owed - before.owed, drains);
	EXPECT_EQ(now.callbacks - before.callbacks, 0);
	EXPECT_EQ(uncovered(), 0);
}

/*
 * By turns, and every door from a clean state. What an interrupt sees in the word: the context is
 * KERNEL and the bit is still there, for work bits go away on the way out only. An NMI leaves both
 * as they were (the seed's defect N4), so the next entry drains.
 */
KTEST(deferral, every_door_drains)
{
	struct ring3 r;

	if (!use_policy("state-bits"))
		return;
	ASSERT(spin(&r));
	for (u32 round = 0; round < 3; round++) {
		drain_by(&r, BY_SYSCALL);
		drain_by(&r, BY_INTERRUPT);
		EXPECT_EQ(word_in_kernel & (CT_STATE_MASK | CT_WORK_MASK),
			  CT_KERNEL | CT_WORK_TLBI);
		drain_by(&r, BY_NMI);
		EXPECT_EQ(word_in_kernel & (CT_STATE_MASK | CT_WORK_MASK), CT_USER | CT_WORK_TLBI);
		EXPECT(word_in_kernel & CT_COUNTER_ONE);
		EXPECT(ring3_order(&r, LOOP_SYSCALLS, 1));
	}
	drain_by(&r, BY_EXCEPTION);
	EXPECT_EQ(r.task->exit_code, -1);
	ring3_destroy(&r);
	select_default_policy();
}

KTEST(deferral, cpu_in_the_kernel_is_interrupted)
{
	struct facts before, now;

	if (!use_policy("state-bits"))
		return;
	before = facts();
	EXPECT_EQ(word_of(target()) & (CT_STATE_MASK | CT_WORK_MASK), CT_KERNEL);
	EXPECT(word_of(target()) & CT_COUNTER_ONE);
	purge();
	now = facts();
	EXPECT_EQ(now.requests - before.requests, 1);
	EXPECT_EQ(now.raced - before.raced, 1);
	EXPECT_EQ(now.deferred - before.deferred, 0);
	EXPECT_EQ(now.deferrable - before.deferrable, 0);
	EXPECT_EQ(now.callbacks - before.callbacks, 1);
	EXPECT_EQ(now.drains - before.drains, 0);
	EXPECT_EQ(uncovered(), 0);
	select_default_policy();
}

/* What must not wait does not, whatever the policy defers. */
KTEST(deferral, undeferrable_flush_interrupts_ring3)
{
	struct facts before, now;
	struct ring3 r;

	if (!use_policy("state-bits"))
		return;
	ASSERT(spin(&r));
	before = facts();
	purge();
	flush_tlb_kernel_range(VMALLOC_START, VMALLOC_START + PAGE_SIZE);
	now = facts();
	EXPECT_EQ(now.deferred - before.deferred, 1);
	EXPECT_EQ(now.ipis - before.ipis, 1);
	EXPECT_EQ(now.callbacks - before.callbacks, 1);
	EXPECT_EQ(uncovered(), 0);
	ring3_finish(&r);
	select_default_policy();
}

KTEST(deferral, immediate_is_one_callback_a_flush)
{
	struct facts before, now;
	struct ring3 r;

	if (!use_policy("immediate"))
		return;
	ASSERT(spin(&r));
	before = facts();
	for (u32 i = 0; i < 20; i++) {
		purge();
		EXPECT_EQ(uncovered(), 0);
	}
	now = facts();
	EXPECT_EQ(now.requests - before.requests, 20);
	EXPECT_EQ(now.callbacks - before.callbacks, 20);
	EXPECT_EQ(now.entries - before.entries, 20);
	EXPECT_EQ(now.deferred - before.deferred, 0);
	EXPECT_EQ(now.drains - before.drains, 0);
	ring3_finish(&r);
	select_default_policy();
}

/* --- The context word --------------------------------------------------------------------------
 */

/* 33,000 round trips are 66,000 steps of a 16-bit counter; bits below it must not feel its wrap. */
KTEST(deferral, counter_wraps)
{
	static const u64 trips[] = {1, 2, 100, 33000, 7};
	struct ring3 r;

	if (!use_policy("state-bits"))
		return;
	ASSERT(spin(&r));
	for (u32 i = 0; i < ARRAY_SIZE(trips); i++) {
		u64 entries = user_page(target())->entries;
		u32 before, after;

		EXPECT_SOON((word_of(target()) & CT_STATE_MASK) == CT_USER);
		before = word_of(target());
		EXPECT(!(before & CT_COUNTER_ONE));
		EXPECT(ring3_order(&r, LOOP_SYSCALLS, trips[i]));
		after = word_of(target());
		EXPECT_EQ((u32)(after - before), (u32)(2 * trips[i]) << CT_COUNTER_START);
		EXPECT_EQ(after & (CT_WORK_MASK | CT_STATE_MASK), CT_USER);
		EXPECT_EQ(user_page(target())->entries - entries, trips[i]);
	}
	ring3_finish(&r);
	EXPECT_EQ(word_of(target()) & (CT_WORK_MASK | CT_STATE_MASK), CT_KERNEL);
	select_default_policy();
}

/* On the word of a CPU that sits in the kernel and does not look at it meanwhile. */
KTEST(deferral, set_cpu_work)
{
	static const struct {
		u32 state;
		bool active, recorded;
		u32 work;
	} cases[] = {
		{CT_KERNEL | CT_COUNTER_ONE, true, false, CT_WORK_TLBI},
		{CT_KERNEL, true, false, CT_WORK_TLBI},
		{CT_IDLE, true, true, CT_WORK_TLBI},
		{CT_USER, true, true, CT_WORK_TLBI},
		{CT_GUEST, true, true, CT_WORK_TLBI},
		{CT_USER, true, true, CT_WORK_SYNC},
		{CT_USER | CT_WORK_TLBI, true, true, CT_WORK_TLBI},
		{CT_USER | CT_WORK_SYNC, true, true, CT_WORK_TLBI},
		{CT_USER | 0xffff0000U, true, true, CT_WORK_TLBI},
		{CT_USER, false, false, CT_WORK_TLBI},
	};
	struct context_tracking *ct = (void *)percpu(target())->policy_shared;

	if (!use_policy("state-bits"))
		return;
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 want = cases[i].state | (cases[i].recorded ? cases[i].work : 0);

		ct->active = cases[i].active;
		__atomic_store_n(&ct->state, cases[i].state, __ATOMIC_SEQ_CST);
		EXPECT_EQ(ct_set_cpu_work(target(), cases[i].work), cases[i].recorded);
		EXPECT_EQ(word_of(target()), want);
	}
	select_default_policy(); /* resets the word */
}

/* --- User mappings -----------------------------------------------------------------------------
 */

#define OLD 0x01d
#define NEW 0x4e3

/* Points the data page at FRAME without a flush; the entry is never absent. */
static void remap_data(struct ring3 *r, phys_addr_t frame)
{
	unsigned int level;
	pte_t *pte = lookup_pte(r->task->mm.root, TEST_DATA_VA, &level);

	pte_write(pte, (pte_read(pte) & ~PTE_ADDR_MASK) | frame);
}

/* Lets ring 3 look a few more times and says what it saw. */
static u64 seen_now(struct ring3 *r)
{
	u64 loops = r->page->loops;

	EXPECT_SOON(r->page->loops > loops + 10);
	return r->page->seen;
}

KTEST(deferral, user_flush_is_not_absorbed)
{
	phys_addr_t second;
	struct facts before, now;
	struct flush_totals totals;
	struct ring3 r;
	u64 one;

	if (!use_policy("state-bits"))
		return;
	second = frame_alloc_zeroed();
	ASSERT(second);
	*(u64 *)phys_to_virt(second) = NEW;
	ASSERT(ring3_create(&r, target(), "test_loop", 0));
	*r.data = OLD;
	ring3_start(&r);
	EXPECT_SOON(r.page->seen == OLD);

	purge(); /* now work is owed */
	before = facts();
	totals = flush_totals();
	one = percpu(target())->tlb.nr_tlb_local_flush_one;
	remap_data(&r, second);
	if (seen_now(&r) == NEW)
		ktest_skip("ring 3's translation left the TLB by itself");
	EXPECT_EQ(facts().entries - before.entries, 0);
	flush_tlb_mm_range(&r.task->mm, TEST_DATA_VA, TEST_DATA_VA + PAGE_SIZE);
	now = facts();
	EXPECT_EQ(now.ipis - before.ipis, 1);
	EXPECT_EQ(now.callbacks - before.callbacks, 1);
	EXPECT_EQ(now.deferred - before.deferred, 0);
	EXPECT_EQ(percpu(target())->tlb.nr_tlb_local_flush_one - one, 1);
	EXPECT_EQ(flush_totals().user - totals.user, 1);
	EXPECT_EQ(seen_now(&r), NEW);
	EXPECT_EQ(now.drains - before.drains, 1);
	EXPECT_EQ(uncovered(), 0);

	/* And a purge behind it is deferred as ever. */
	EXPECT_SOON((word_of(target()) & CT_STATE_MASK) == CT_USER);
	purge();
	EXPECT_EQ(facts().deferred - now.deferred, 1);
	EXPECT_EQ(facts().ipis - now.ipis, 0);
	ring3_finish(&r);
	frame_free(second);
	select_default_policy();
}

/* The other half: a CPU that has not loaded the root is left alone. */
KTEST(deferral, user_flush_spares_other_cpus)
{
	struct facts before, now;
	struct ring3 r;

	if (!use_policy("immediate"))
		return;
	before = facts();
	ASSERT(ring3_create(&r, target(), "test_loop", 0));
	flush_tlb_mm_range(&r.task->mm, TEST_DATA_VA, TEST_DATA_VA + PAGE_SIZE);
	now = facts();
	EXPECT_EQ(now.requests - before.requests, 0);
	ring3_destroy(&r);
	select_default_policy();
}
