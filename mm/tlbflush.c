/* SPDX-License-Identifier: MIT */
/*
 * A purge: every flush of kernel addresses goes through here, see tlbflush.h.
 *
 * Order on the initiator (R5): PTEs are clear when we are called; taking the generation number is
 * a LOCKed operation, hence the full barrier between those stores and the first look at another
 * CPU's words. On the target the flush comes after the policy's own barrier. The purge is complete
 * when every CPU that was asked has answered and this one has flushed itself.
 *
 * The flush code also watches the policy from outside. Around each question it reads the target's
 * entry and exit counts (user_page.h). Equal, and the entry count unchanged afterwards: the CPU sat
 * in ring 3 all along and its policy knew, so an IPI to it is one that a deferring policy should
 * not have sent ("deferrable"); otherwise the IPI is a raced one, which is right.
 */
#include "mm/tlbflush.h"

#include "arch/x86_64/breaks.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/tlb.h"
#include "arch/x86_64/trace.h"
#include "mm/deferrable.h"
#include "mm/policy/policy.h"

static struct flush_totals totals;

static void count(u64 *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

struct flush_totals flush_totals(void)
{
	return totals;
}

static struct flush_range make_range(u64 start, u64 end)
{
	u64 ceiling = (u64)tlb_single_page_flush_ceiling << PAGE_SHIFT;

	BUG_ON(end < start || !IS_ALIGNED(start, PAGE_SIZE));
	BUG_ON(end != TLB_FLUSH_ALL && !IS_ALIGNED(end, PAGE_SIZE));
	return (struct flush_range){
		.start = start,
		.end = end,
		.initiator = this_cpu_number(),
		.full = end == TLB_FLUSH_ALL || end - start > ceiling,
		.generation = tlb_gen_issue(),
	};
}

/* On each CPU that flushes now, interrupts off. */
static void do_flush(void *info)
{
	const struct flush_range *range = info;

	if (this_cpu_number() != range->initiator)
		this_cpu()->tlb.nr_tlb_remote_flush_received++;
	if (range->full) {
		__flush_tlb_all();
	} else {
		for (u64 addr = range->start; addr < range->end; addr += PAGE_SIZE)
			flush_tlb_one_kernel(addr);
		tlb_gen_cover_one(&this_cpu()->tlb_gen, range->generation);
	}
	if (flush_policy->flushed)
		flush_policy->flushed(range);
}

static __always_inline void trace_purge(const struct flush_range *range, u32 flags, void *caller)
{
	if (trace_on(TRACE_G_PURGE))
		trace_write(TRACE_PURGE, flags | (range->full ? TRACE_PURGE_FULL : 0), range->start,
			    range->end, range->generation, (u64)caller);
}

static __always_inline void trace_purge_end(u64 generation)
{
	if (trace_on(TRACE_G_PURGE))
		trace_write(TRACE_PURGE_END, 0, generation, 0, 0, 0);
}

static struct policy_answer last_answers[MAX_CPUS];

const struct policy_answer *last_policy_answer(void)
{
	return &last_answers[this_cpu_number()];
}

/* No policy is asked about what follows. */
static void forget_answer(void)
{
	if (trace_on(TRACE_G_TRIPWIRE))
		last_answers[this_cpu_number()].generation = 0;
}

static void flush_now(const struct flush_range *range)
{
	forget_answer();
	count(&totals.undeferrable);
	count(range->full ? &totals.full : &totals.ranged);
	this_cpu()->tlb.nr_tlb_remote_flush++;
	on_each_cpu(CALL_FLUSH, do_flush, (void *)range);
	tlb_gen_complete(range->generation);
	trace_purge_end(range->generation);
}

u64 flush_tlb_kernel_range(u64 start, u64 end)
{
	struct flush_range range = make_range(start, end);

	trace_purge(&range, 0, __builtin_return_address(0));
	flush_now(&range);
	return range.generation;
}

/* The newest flush for page tables that is over. */
static u64 pgtable_flushed;

void flush_tlb_kernel_pgtable_range(u64 start, u64 end)
{
	struct flush_range range = make_range(start, end);
	u64 newest = __atomic_load_n(&pgtable_flushed, __ATOMIC_RELAXED);

	range.full = true;
	count(&totals.pgtable);
	trace_purge(&range, TRACE_PURGE_PGTABLE, __builtin_return_address(0));
	flush_now(&range);
	while (newest < range.generation &&
	       !__atomic_compare_exchange_n(&pgtable_flushed, &newest, range.generation, false,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

bool pgtable_flush_owed(u64 unlinked_at)
{
	return __atomic_load_n(&pgtable_flushed, __ATOMIC_ACQUIRE) <= unlinked_at;
}

#if CONFIG_CONTEXT_TRACKING_WORK
/*
 * From here until its answer is counted, a purge may record work for a target (kernel/oracle.c
 * reads both counts). With begin() it may do so for all of them at once, before any is asked.
 */
static void count_question(unsigned int cpu)
{
	u64 *questions = &this_cpu()->call_stats[cpu].questions;

	__atomic_store_n(questions, *questions + 1, __ATOMIC_RELEASE);
}

static u64 begin_purge(const struct flush_range *range)
{
	if (!flush_policy->begin)
		return 0;
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		count_question(cpu);
	return flush_policy->begin(range);
}

static __always_inline bool ask(unsigned int cpu, void *info, enum trace_answer *answer)
{
	struct call_stats *stats = &this_cpu()->call_stats[cpu];
	const struct user_page *page = user_page(cpu);
	u64 entries = READ_ONCE(page->entries);
	bool in_ring3 = READ_ONCE(page->exits) == entries;
	bool ipi;

	if (!flush_policy->begin)
		count_question(cpu);
	ipi = flush_policy->need_ipi(cpu, info);
	__atomic_store_n(&stats->answers, stats->answers + 1, __ATOMIC_RELEASE);

	if (cpu == this_cpu_number())
		return ipi;
	in_ring3 = in_ring3 && READ_ONCE(page->entries) == entries;
	*answer = !ipi ? TRACE_DEFERRED : in_ring3 ? TRACE_RING3_IPI : TRACE_RACED_IPI;
	if (!ipi)
		stats->deferred++;
	else if (in_ring3)
		stats->deferrable++;
	else
		stats->raced++;
	if ((broken & BREAK_IPI) && ipi && cpu_is_isolated(cpu))
		return false;
	return ipi;
}

/* Apart, so that what nobody watches costs a test. The words are read right before the question. */
static noinline bool ask_watched(unsigned int cpu, void *info)
{
	const struct flush_range *range = info;
	u64 shared = READ_ONCE(*(u64 *)percpu(cpu)->policy_shared);
	u64 own = READ_ONCE(*(u64 *)percpu(cpu)->policy_own);
	enum trace_answer answer = TRACE_DEFERRED;
	bool ipi = ask(cpu, info, &answer);

	if (cpu == this_cpu_number())
		return ipi;
	last_answers[this_cpu_number()] = (struct policy_answer){range->generation, cpu, answer,
								 shared, own};
	if (trace_on(TRACE_G_ASK))
		trace_write(TRACE_ASK, cpu | (u32)answer << 16, shared, own, range->generation,
			    (u64)flush_policy->words);
	return ipi;
}

static bool ask_policy(unsigned int cpu, void *info)
{
	enum trace_answer answer;

	if (trace_on(TRACE_G_ASK | TRACE_G_TRIPWIRE))
		return ask_watched(cpu, info);
	return ask(cpu, info, &answer);
}

u64 flush_tlb_kernel_range_deferrable(u64 start, u64 end)
{
	struct flush_range range;

	assert_deferrable(start, end);
	range = make_range(start, end);
	count(&totals.deferrable);
	count(range.full ? &totals.full : &totals.ranged);
	this_cpu()->tlb.nr_tlb_remote_flush++;
	trace_purge(&range, TRACE_PURGE_DEFERRABLE, __builtin_return_address(0));
	range.ticket = begin_purge(&range);
	on_each_cpu_cond(CALL_FLUSH, ask_policy, do_flush, &range);
	if (!flush_policy->broadcast) /* else no CPU's own book knows of it */
		tlb_gen_complete(range.generation);
	trace_purge_end(range.generation);
	return range.generation;
}
#endif

static bool lags(unsigned int cpu, void *generation)
{
	if (!flush_policy->lags(cpu, *(u64 *)generation))
		return false;
	if (cpu != this_cpu_number()) {
		this_cpu()->call_stats[cpu].forced++;
		count(&totals.forced_ipis);
	}
	return true;
}

/* The policy hears of it as of any flush of everything. */
static void do_flush_all(void *generation)
{
	const struct flush_range everything = {
		.end = TLB_FLUSH_ALL, .full = true, .generation = *(u64 *)generation};

	__flush_tlb_all();
	if (flush_policy->flushed)
		flush_policy->flushed(&everything);
}

void flush_tlb_laggards(u64 generation)
{
	forget_answer();
	count(&totals.forced);
	trace_purge(
		&(struct flush_range){.end = TLB_FLUSH_ALL, .full = true, .generation = generation},
		TRACE_PURGE_LAGGARDS, __builtin_return_address(0));
	on_each_cpu_cond(CALL_FLUSH, lags, do_flush_all, &generation);
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		if (flush_policy->lags(cpu, generation))
			panic("R7: %s: CPU %u lags behind purge %lu after a full flush",
			      flush_policy->name, cpu, generation);
	trace_purge_end(generation);
}

struct user_flush {
	const struct user_mm *mm;
	u64 start, end;
};

static bool has_loaded(unsigned int cpu, void *info)
{
	const struct user_flush *flush = info;
	u64 bits = __atomic_load_n(&flush->mm->cpus.bits[cpu / 64], __ATOMIC_ACQUIRE);

	return bits >> (cpu % 64) & 1;
}

static void do_flush_user(void *info)
{
	const struct user_flush *flush = info;

	if ((flush->end - flush->start) >> PAGE_SHIFT > tlb_single_page_flush_ceiling) {
		__flush_tlb_all();
		return;
	}
	for (u64 addr = flush->start; addr < flush->end; addr += PAGE_SIZE)
		flush_tlb_one_user_local(addr);
}

void flush_tlb_mm_range(const struct user_mm *mm, u64 start, u64 end)
{
	struct user_flush flush = {mm, start, end};

	count(&totals.user);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	on_each_cpu_cond(CALL_FLUSH, has_loaded, do_flush_user, &flush);
}
