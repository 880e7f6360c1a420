/* SPDX-License-Identifier: MIT */
/*
 * Cross-calls: who runs, who is asked, who is waited for, and that the counts add up exactly:
 * callbacks run = requests, interrupts taken = interrupts sent, interrupts + coalesced = callbacks.
 * The counts are compared over all senders and targets from before a test to its end, while nobody
 * calls, so that one lost or doubled interrupt anywhere shows.
 */
#include "arch/x86_64/smp_call.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "tests/kernel/probe.h"

/* --- Counts ------------------------------------------------------------------------------------
 */

struct sums {
	u64 requests, ipis, coalesced;
	u64 callbacks, taken;
	u64 flush_requests, flush_callbacks;
};

static struct sums sums_of(unsigned int target)
{
	const struct irq_counters *irqs = &percpu(target)->irqs;
	struct sums s = {0};

	for (unsigned int sender = 0; sender < nr_online_cpus(); sender++) {
		const struct call_stats *stats = &percpu(sender)->call_stats[target];

		for (u32 kind = 0; kind < CALL_KINDS; kind++) {
			s.requests += stats->requests[kind];
			s.ipis += stats->ipis[kind];
			s.coalesced += stats->coalesced[kind];
		}
		s.flush_requests += stats->requests[CALL_FLUSH];
	}
	s.callbacks = irqs->flush_callbacks + irqs->other_callbacks;
	s.flush_callbacks = irqs->flush_callbacks;
	s.taken = irqs->flush_ipis + irqs->other_ipis;
	return s;
}

/* An item is answered before its interrupt is counted, hence the short wait. */
static void expect_sums_agree(void)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		struct sums s;

		EXPECT_SOON((s = sums_of(cpu), s.taken == s.ipis));
		EXPECT_EQ(s.callbacks, s.requests);
		EXPECT_EQ(s.flush_callbacks, s.flush_requests);
		EXPECT_EQ(s.ipis + s.coalesced, s.requests);
	}
}

/* --- Who runs ----------------------------------------------------------------------------------
 */

static u32 runs[MAX_CPUS];
static u32 asked[MAX_CPUS];
static bool irqs_were_on;

static void reset_counts(void)
{
	for (u32 i = 0; i < MAX_CPUS; i++)
		runs[i] = asked[i] = 0;
	irqs_were_on = false;
}

static void count_run(void *info)
{
	if (info)
		udelay(1000); /* so that a caller who does not wait is caught */
	if (!irqs_disabled())
		irqs_were_on = true;
	runs[this_cpu_number()]++;
}

KTEST(calls, every_cpu_once_before_the_return)
{
	for (u32 round = 0; round < 20; round++) {
		reset_counts();
		on_each_cpu(CALL_OTHER, count_run, &runs);
		for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
			EXPECT_EQ(runs[cpu], 1);
		EXPECT(!irqs_were_on);
		EXPECT(!irqs_disabled());
	}
	expect_sums_agree();
}

static bool only_odd(unsigned int cpu, void *info)
{
	(void)info;
	asked[cpu]++;
	return cpu % 2;
}

static bool only_even(unsigned int cpu, void *info)
{
	return !only_odd(cpu, info);
}

KTEST(calls, condition_is_asked_once_a_cpu)
{
	for (u32 odd = 0; odd < 2; odd++) {
		reset_counts();
		on_each_cpu_cond(CALL_OTHER, odd ? only_odd : only_even, count_run, NULL);
		for (unsigned int cpu = 0; cpu < MAX_CPUS; cpu++) {
			EXPECT_EQ(asked[cpu], cpu < nr_online_cpus());
			EXPECT_EQ(runs[cpu], cpu < nr_online_cpus() && cpu % 2 == odd);
		}
	}
	expect_sums_agree();
}

KTEST(calls, single_cpu)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		reset_counts();
		smp_call_function_single(cpu, CALL_OTHER, count_run, &runs);
		for (unsigned int other = 0; other < nr_online_cpus(); other++)
			EXPECT_EQ(runs[other], other == cpu);
		EXPECT(!irqs_were_on);
	}
	expect_sums_agree();
}

/* More than any counter that stops early would count (break=undercount). */
KTEST(calls, many_flushes_are_counted)
{
	unsigned int last = nr_online_cpus() - 1;

	reset_counts();
	for (u32 i = 0; i < 110; i++)
		smp_call_function_single(last, CALL_FLUSH, count_run, NULL);
	EXPECT_EQ(runs[last], 110);
	expect_sums_agree();
}

/* --- Who is waited for -------------------------------------------------------------------------
 */

static bool deaf, release;

/* With interrupts off, until it is released. */
static void be_deaf(void *unused)
{
	(void)unused;
	local_irq_disable();
	__atomic_store_n(&deaf, true, __ATOMIC_RELEASE);
	EXPECT_SOON(__atomic_load_n(&release, __ATOMIC_ACQUIRE));
	__atomic_store_n(&deaf, false, __ATOMIC_RELEASE);
	local_irq_enable();
}

static bool not_the_last(unsigned int cpu, void *info)
{
	(void)info;
	return cpu != nr_online_cpus() - 1;
}

/* A caller that waited for the refused CPU would find it released by its own patience only. */
KTEST(calls, refused_cpus_are_not_waited_for)
{
	unsigned int last = nr_online_cpus() - 1;

	if (last == 0) {
		ktest_skip("needs 2 CPUs");
		return;
	}
	release = false;
	reset_counts();
	cpu_work_start(last, be_deaf, NULL);
	EXPECT_SOON(__atomic_load_n(&deaf, __ATOMIC_ACQUIRE));
	on_each_cpu_cond(CALL_OTHER, not_the_last, count_run, NULL);
	EXPECT(__atomic_load_n(&deaf, __ATOMIC_ACQUIRE));
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		EXPECT_EQ(runs[cpu], cpu != last);
	__atomic_store_n(&release, true, __ATOMIC_RELEASE);
	cpu_work_wait(last, 2 * SOON_MS, "the deaf CPU");
	EXPECT_EQ(runs[last], 0);
	expect_sums_agree();
}

/* --- Two senders -------------------------------------------------------------------------------
 */

static u64 pushed_to(unsigned int target)
{
	struct sums s = sums_of(target);

	return s.ipis + s.coalesced;
}

static u64 pushed_before;

/* Lets two requests gather in its queue before it listens. */
static void gather_two(void *unused)
{
	(void)unused;
	local_irq_disable();
	__atomic_store_n(&deaf, true, __ATOMIC_RELEASE);
	EXPECT_SOON(pushed_to(this_cpu_number()) == pushed_before + 2);
	__atomic_store_n(&deaf, false, __ATOMIC_RELEASE);
	local_irq_enable();
}

static void call_cpu2(void *unused)
{
	(void)unused;
	smp_call_function_single(2, CALL_OTHER, count_run, NULL);
}

KTEST(calls, second_request_shares_the_interrupt)
{
	struct sums before, now;

	if (nr_online_cpus() < 3) {
		ktest_skip("needs 3 CPUs");
		return;
	}
	reset_counts();
	pushed_before = pushed_to(2) + 1; /* the wake-up of cpu_work_start() is one, too */
	cpu_work_start(2, gather_two, NULL);
	EXPECT_SOON(__atomic_load_n(&deaf, __ATOMIC_ACQUIRE));
	before = sums_of(2);
	cpu_work_start(1, call_cpu2, NULL);
	call_cpu2(NULL);
	cpu_work_wait(1, 2 * SOON_MS, "the other sender");
	cpu_work_wait(2, 2 * SOON_MS, "the gathering CPU");
	now = sums_of(2);
	EXPECT_EQ(now.requests - before.requests, 2);
	EXPECT_EQ(now.ipis - before.ipis, 1);
	EXPECT_EQ(now.coalesced - before.coalesced, 1);
	EXPECT_EQ(runs[2], 2);
	expect_sums_agree();
}

/* Emulated CPUs take turns on few cores, and here each waits for all others all the time. */
static u32 rounds(void)
{
	return max(4U, 120 / nr_online_cpus());
}

static void count_atomic(void *info)
{
	__atomic_add_fetch((u64 *)info, 1, __ATOMIC_RELAXED);
}

static void call_all(void *counter)
{
	for (u32 i = 0; i < rounds(); i++)
		on_each_cpu(i % 2 ? CALL_OTHER : CALL_FLUSH, count_atomic, counter);
}

/* Every CPU calls every CPU at once: a lost answer hangs, a doubled one is counted. */
KTEST(calls, everybody_calls_everybody)
{
	u64 counter = 0;

	for (unsigned int cpu = 1; cpu < nr_online_cpus(); cpu++)
		cpu_work_start(cpu, call_all, &counter);
	call_all(&counter);
	for (unsigned int cpu = 1; cpu < nr_online_cpus(); cpu++)
		cpu_work_wait(cpu, 3 * SOON_MS, "calls from everybody to everybody");
	EXPECT_EQ(counter, (u64)rounds() * nr_online_cpus() * nr_online_cpus());
	expect_sums_agree();
}

/* --- stop_cpus ---------------------------------------------------------------------------------
 */

static u64 ticks[MAX_CPUS];
static bool stop_ticking;

static void tick(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&stop_ticking, __ATOMIC_ACQUIRE))
		WRITE_ONCE(ticks[this_cpu_number()], ticks[this_cpu_number()] + 1);
}

static void watch_silence(void *moved)
{
	u64 before[16];
	unsigned int n = min(nr_online_cpus(), (unsigned int)ARRAY_SIZE(before));

	for (unsigned int cpu = 1; cpu < n; cpu++)
		before[cpu] = READ_ONCE(ticks[cpu]);
	udelay(5000);
	for (unsigned int cpu = 1; cpu < n; cpu++)
		*(u64 *)moved += READ_ONCE(ticks[cpu]) - before[cpu];
	runs[this_cpu_number()]++;
}

KTEST(calls, stop_cpus_stops_all_others)
{
	u64 moved = 0;

	reset_counts();
	stop_ticking = false;
	for (unsigned int cpu = 1; cpu < nr_online_cpus(); cpu++) {
		ticks[cpu] = 0;
		cpu_work_start(cpu, tick, NULL);
	}
	for (unsigned int cpu = 1; cpu < nr_online_cpus(); cpu++)
		EXPECT_SOON(READ_ONCE(ticks[cpu]) > 0);
	stop_cpus(watch_silence, &moved);
	EXPECT_EQ(moved, 0);
	EXPECT_EQ(runs[0], 1);
	for (unsigned int cpu = 1; cpu < nr_online_cpus(); cpu++) {
		u64 then = READ_ONCE(ticks[cpu]);

		EXPECT_SOON(READ_ONCE(ticks[cpu]) != then);
	}
	__atomic_store_n(&stop_ticking, true, __ATOMIC_RELEASE);
	for (unsigned int cpu = 1; cpu < nr_online_cpus(); cpu++)
		cpu_work_wait(cpu, SOON_MS, "the ticking CPU");
	expect_sums_agree();
}
