/* SPDX-License-Identifier: MIT */
/*
 * The oracles themselves: that they say "stale" or "uncovered" when it is so, and nothing when it
 * is not. A fault is made by hand for each: a purge that leaves a CPU out, a canary whose purge
 * never reaches its CPU, a flush that does not stamp. Faults of the canary need a CPU that is
 * isolated and that could be left out, hence two CPUs, and the deferrable flush, where break=ipi
 * lives.
 */
#include "arch/x86_64/apic.h"
#include "arch/x86_64/breaks.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/irqflags.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/tlb.h"
#include "arch/x86_64/tlb_gen.h"
#include "arch/x86_64/traps.h"
#include "kernel/canary.h"
#include "mm/policy/policy.h"
#include "mm/tlbflush.h"
#include "tests/kernel/probe.h"
#include "tests/kernel/ring3.h"

static unsigned int target(void)
{
	return nr_online_cpus() - 1;
}

static void flush_here(void *unused)
{
	(void)unused;
	__flush_tlb_all();
}

/* --- Generations -------------------------------------------------------------------------------
 */

static u64 uncovered_here(void)
{
	return tlb_gen_uncovered(&this_cpu()->tlb_gen);
}

/* A purge that nobody executes. */
static u64 empty_purge(void)
{
	u64 gen = tlb_gen_issue();

	tlb_gen_complete(gen);
	return gen;
}

static void generations_here(void *unused)
{
	u64 lost = this_cpu()->lost;
	u64 flags = arch_local_irq_save();
	u64 first, second, issued;

	(void)unused;
	__flush_tlb_all();
	EXPECT_EQ(uncovered_here(), 0);

	/* Issued, not completed: nobody's fault yet. */
	first = tlb_gen_issue();
	EXPECT_EQ(uncovered_here(), 0);
	tlb_gen_complete(first);
	EXPECT_EQ(uncovered_here(), 1);
	oracle_check_local(CHECK_KERNEL);
	EXPECT_EQ(this_cpu()->lost - lost, 1);
	__flush_tlb_all();
	EXPECT_EQ(uncovered_here(), 0);
	oracle_check_local(CHECK_KERNEL);
	EXPECT_EQ(this_cpu()->lost - lost, 1);

	/* A ranged flush covers its own and nothing else, in either order. */
	first = empty_purge();
	second = empty_purge();
	EXPECT_EQ(uncovered_here(), 2);
	tlb_gen_cover_one(&this_cpu()->tlb_gen, second);
	EXPECT_EQ(uncovered_here(), 1);
	tlb_gen_cover_one(&this_cpu()->tlb_gen, first);
	EXPECT_EQ(uncovered_here(), 0);

	/* A full flush covers what was issued before it, not what came while it ran. */
	issued = tlb_gen_issued();
	first = empty_purge();
	tlb_gen_cover_all(&this_cpu()->tlb_gen, issued);
	EXPECT_EQ(uncovered_here(), 1);

	/* break=stamp: flushed, and the oracle does not know. */
	flush_detours |= DETOUR_NO_STAMP;
	__flush_tlb_all();
	flush_detours &= ~(u32)DETOUR_NO_STAMP;
	EXPECT_EQ(uncovered_here(), 1);
	__flush_tlb_all();
	EXPECT_EQ(uncovered_here(), 0);
	this_cpu()->lost = lost;
	arch_local_irq_restore(flags);
}

KTEST(oracles, generations)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		on_cpu(cpu, generations_here, NULL, "the generation oracle");
	on_each_cpu(CALL_OTHER, flush_here, NULL);
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		EXPECT_EQ(tlb_gen_uncovered(&percpu(cpu)->tlb_gen), 0);
}

/* The doors ask the oracle: a completed purge that a CPU in ring 3 missed is lost at its entry. */
KTEST(oracles, doors_see_a_lost_flush)
{
	u64 lost = percpu(target())->lost;
	struct ring3 r;

	if (target() == 0) {
		ktest_skip("needs 2 CPUs");
		return;
	}
	ASSERT(ring3_create(&r, target(), "test_loop", 0));
	ring3_start(&r);
	EXPECT(ring3_order(&r, LOOP_SYSCALLS, 10));
	EXPECT_EQ(percpu(target())->lost, lost);
	empty_purge();
	EXPECT(ring3_order(&r, LOOP_SYSCALLS, 1));
	EXPECT(percpu(target())->lost > lost);
	ring3_finish(&r);
	on_each_cpu(CALL_OTHER, flush_here, NULL);
	percpu(target())->lost = lost;
}

/* --- Canaries ----------------------------------------------------------------------------------
 */

static void probe_canary(void *unused)
{
	(void)unused;
	canary_probe_local();
}

static void check_as_nmi(void *unused)
{
	(void)unused;
	canary_check_nmi_local();
}

static void probe(void)
{
	on_cpu(target(), probe_canary, NULL, "a look at its canary");
}

static bool canary_here(void)
{
	if (target() == 0 || !cpu_is_isolated(target())) {
		ktest_skip("needs 2 CPUs, the last of them isolated");
		return false;
	}
	if (!canaries_init()) {
		ktest_fail(__FILE__, __LINE__, "no memory for the canaries");
		return false;
	}
	canaries_reset();
	return true;
}

/* Warm, moved, looked at: right each time, and a swap waits for the proof of warmth. */
KTEST(oracles, canary_is_warm_and_right)
{
	struct canary_counts counts;

	if (!canary_here())
		return;
	probe();
	for (u32 i = 0; i < 10; i++) {
		EXPECT(canary_is_warm(target()));
		EXPECT(canary_swap(target(), true));
		EXPECT(!canary_is_warm(target()));
		EXPECT(!canary_swap(target(), true));
		probe();
	}
	counts = canary_counts(target());
	EXPECT(counts.warm >= 10);
	EXPECT(counts.checks >= 10);
	EXPECT_EQ(counts.stale, 0);
}

/* break=fill: nothing is warmed, and nothing claims to be. */
KTEST(oracles, cold_canary_is_not_called_warm)
{
	struct canary_counts before, now;

	if (!canary_here())
		return;
	EXPECT(canary_swap(target(), false));
	before = canary_counts(target());
	broken |= BREAK_FILL;
	probe();
	broken &= ~(u32)BREAK_FILL;
	now = canary_counts(target());
	EXPECT(!canary_is_warm(target()));
	EXPECT_EQ(now.warm - before.warm, 0);
	EXPECT(!canary_swap(target(), true));
	probe();
	EXPECT(canary_is_warm(target()));
}

/* A canary that was warm has to be proved anew after a flush by hand. */
static void flush_and_cool(void *unused)
{
	(void)unused;
	__flush_tlb_all();
	canary_cool_local();
}

KTEST(oracles, cooled_canary_is_proved_again)
{
	u64 warm;

	if (!canary_here())
		return;
	probe();
	EXPECT(canary_is_warm(target()));
	on_cpu(target(), flush_and_cool, NULL, "a flush by hand");
	EXPECT(!canary_is_warm(target()));
	warm = canary_counts(target()).warm;
	probe();
	EXPECT(canary_is_warm(target()));
	EXPECT_EQ(canary_counts(target()).warm - warm, 1);
}

/*
 * The purge leaves the CPU out: the canary must be read stale. A translation may leave the TLB by
 * itself, so not every try has to show it.
 */
KTEST(oracles, canary_sees_a_withheld_flush)
{
	struct canary_counts before, now;

	if (!canary_here())
		return;
	if (!CONFIG_CONTEXT_TRACKING_WORK) {
		ktest_skip("break=ipi is in the deferrable flush, which this build has not");
		return;
	}
	select_default_policy();
	before = now = canary_counts(target());
	for (u32 i = 0; i < 20 && now.stale == before.stale; i++) {
		probe();
		EXPECT(canary_is_warm(target()));
		broken |= BREAK_IPI;
		EXPECT(canary_swap(target(), true));
		broken &= ~(u32)BREAK_IPI;
		EXPECT(tlb_gen_uncovered(&percpu(target())->tlb_gen) > 0);
		on_cpu(target(), check_as_nmi, NULL, "a look at its canary as from an NMI");
		probe();
		now = canary_counts(target());
		on_cpu(target(), flush_here, NULL, "the flush after all");
		EXPECT_EQ(tlb_gen_uncovered(&percpu(target())->tlb_gen), 0);
		probe();
	}
	EXPECT(now.stale > before.stale);
	EXPECT(now.nmi_stale > before.nmi_stale);
	now = canary_counts(target());
	probe();
	EXPECT_EQ(canary_counts(target()).stale, now.stale); /* and not after the flush */
	on_each_cpu(CALL_OTHER, flush_here, NULL);
	canaries_reset();
}

/* One NMI on the target, from its start to its end. */
static void send_nmi(void)
{
	u64 exits = user_page(target())->exits;

	apic_send_nmi(percpu(target())->apic_id);
	EXPECT_SOON(READ_ONCE(user_page(target())->exits) == exits + 1);
}

/* Every NMI looks at the canary, with counters of its own, and at the generations. */
KTEST(oracles, nmi_sees_a_withheld_flush)
{
	u64 lost = percpu(target())->lost;
	u64 lost_in_nmi = percpu(target())->lost_in_nmi;
	struct canary_counts counts;

	if (!canary_here())
		return;
	if (!CONFIG_CONTEXT_TRACKING_WORK) {
		ktest_skip("break=ipi is in the deferrable flush, which this build has not");
		return;
	}
	select_default_policy();
	send_nmi();
	counts = canary_counts(target());
	EXPECT_EQ(counts.nmi_checks, 1);
	EXPECT_EQ(counts.nmi_stale, 0);
	EXPECT_EQ(percpu(target())->lost, lost);
	for (u32 i = 0; i < 20 && !canary_counts(target()).nmi_stale; i++) {
		probe();
		broken |= BREAK_IPI;
		EXPECT(canary_swap(target(), true));
		broken &= ~(u32)BREAK_IPI;
		send_nmi();
		on_cpu(target(), flush_here, NULL, "the flush after all");
	}
	counts = canary_counts(target());
	EXPECT(counts.nmi_checks >= 2);
	EXPECT(counts.nmi_stale > 0);
	EXPECT_EQ(counts.stale, 0);
	EXPECT(percpu(target())->lost_in_nmi > lost_in_nmi);
	EXPECT_EQ(percpu(target())->lost - lost, percpu(target())->lost_in_nmi - lost_in_nmi);
	send_nmi();
	EXPECT_EQ(canary_counts(target()).nmi_stale, counts.nmi_stale); /* nor after the flush */
	percpu(target())->lost = lost;
	percpu(target())->lost_in_nmi = lost_in_nmi;
	on_each_cpu(CALL_OTHER, flush_here, NULL);
	canaries_reset();
}
