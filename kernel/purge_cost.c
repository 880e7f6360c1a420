/* SPDX-License-Identifier: MIT */
/*
 * The cost of one purge, see purge_cost.h.
 *
 * Its number of CPUs is varied by letting the machine have only its first ones, so that those which
 * are left out cost nothing at all: an idle CPU would be in the kernel, and be interrupted.
 */
#include "kernel/purge_cost.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/insn_count.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/percpu_init.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/tsc.h"
#include "kernel/crew.h"
#include "mm/tlbflush.h"

/* Far behind every area that was ever allocated: nothing is mapped there. */
#define EMPTY_PAGES (VMALLOC_END - GIB(1))

#define WARM_UP 3 /* a policy writes more at the first purges that a CPU sleeps through */
#define COUNTED 3
#define TIMED	16

static u32 all_cpus;

void purge_once(void *arg)
{
	const struct purge_range *range = arg;

	flush_tlb_kernel_range_deferrable(range->start, range->end);
}

u32 sleepers_most(void)
{
	return cpumask_weight(&isolated_cpus);
}

u32 sleeper_steps(u32 first, u32 most, u32 *at)
{
	u32 n = 0;

	if (first == 0)
		at[n++] = 0;
	for (u32 nr = 1; nr < most && n < SLEEPER_STEPS - 1; nr *= 2)
		at[n++] = nr;
	at[n++] = most;
	return n;
}

/* The number of CPUs of which NR are isolated. */
static u32 cpus_with(u32 nr)
{
	u32 cpu = 0;

	while (!cpu_is_isolated(cpu) || nr--)
		if (++cpu == all_cpus)
			break;
	return cpu;
}

void sleepers_start(const struct policy_row *row, u32 nr, bool vmap_stack)
{
	struct crew_config crew = {
		.program = "stay", .members = isolated_cpus, .vmap_stack = vmap_stack};

	if (!all_cpus)
		all_cpus = nr_online_cpus();
	percpu_limit_online(cpus_with(nr));
	select_policy(row->policy, &row->mode);
	crew_start(&crew);
}

void sleepers_stop(struct exp *e)
{
	char err[sizeof(e->reason)] = "";

	crew_finish(err, sizeof(err));
	if (err[0])
		exp_error(e, "%s", err);
	crew_dismiss();
	percpu_limit_online(all_cpus);
}

static u64 sent_ipis(bool isolated_only)
{
	u64 sum = 0;

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		if (cpu_is_isolated(cpu) || !isolated_only)
			sum += this_cpu()->call_stats[cpu].ipis[CALL_FLUSH];
	return sum;
}

static u64 sleeper_events(void)
{
	u64 sum = 0;

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		if (cpu_is_isolated(cpu))
			sum += READ_ONCE(user_page(cpu)->entries);
	return sum;
}

static void count_one(struct purge_range *range, struct purge_cost *cost)
{
	u64 ipis = sent_ipis(false);
	u64 isolated_ipis = sent_ipis(true);
	u64 events = sleeper_events();
	struct insn_count count = insn_count(purge_once, range);

	cost->instructions = count.instructions;
	cost->waits = count.waits;
	cost->ipis = sent_ipis(false) - ipis;
	cost->isolated_ipis = sent_ipis(true) - isolated_ipis;
	cost->sleeper_events = sleeper_events() - events;
}

static bool same(const struct purge_cost *a, const struct purge_cost *b)
{
	return a->instructions == b->instructions && a->waits == b->waits && a->ipis == b->ipis &&
	       a->isolated_ipis == b->isolated_ipis && a->sleeper_events == b->sleeper_events;
}

struct purge_range purge_range(u64 pages)
{
	if (pages == PURGE_EVERYTHING)
		return (struct purge_range){VMALLOC_START, TLB_FLUSH_ALL};
	return (struct purge_range){EMPTY_PAGES, EMPTY_PAGES + pages * PAGE_SIZE};
}

struct purge_cost purge_cost(u64 pages, bool books)
{
	struct purge_range range = purge_range(pages);
	struct purge_cost cost = {.steady = true};
	struct purge_cost again = {0};
	u64 shortest = ~0UL;

	flush_books = books;
	for (u32 i = 0; i < WARM_UP; i++)
		purge_once(&range);
	count_one(&range, &cost);
	for (u32 i = 1; i < COUNTED; i++) {
		count_one(&range, &again);
		cost.steady = cost.steady && same(&cost, &again);
	}
	for (u32 i = 0; i < TIMED; i++) {
		u64 start = rdtsc_ordered();

		purge_once(&range);
		shortest = min(shortest, rdtsc_ordered() - start);
	}
	flush_books = true;
	cost.ns = tsc_to_ns(shortest);
	return cost;
}

void purge_cost_json(struct json *j, const struct purge_cost *cost)
{
	json_u64(j, "instructions", cost->instructions);
	json_u64(j, "ipis", cost->ipis);
	json_u64(j, "isolated_ipis", cost->isolated_ipis);
	json_u64(j, "waits", cost->waits);
	json_u64(j, "ns", cost->ns);
}

void purge_cost_judge(struct exp *e, const struct policy_row *row, u32 sleepers,
		      const struct purge_cost *cost)
{
	bool interrupts = !row->policy->defers && !row->policy->broadcast;
	u64 due = interrupts ? sleepers : 0;

	if (!cost->steady)
		exp_error(e, "%s, %s: the same purge did not count the same each time",
			  row->policy->name, exp_roots_text(row));
	if (cost->isolated_ipis != due)
		exp_fail(e, "%s, %s: %lu IPIs to %u isolated CPUs in ring 3, not %lu",
			 row->policy->name, exp_roots_text(row), cost->isolated_ipis, sleepers,
			 due);
	if (cost->sleeper_events != due)
		exp_fail(e,
			 "%s, %s: isolated CPUs entered the kernel %lu times in a purge, not %lu",
			 row->policy->name, exp_roots_text(row), cost->sleeper_events, due);
	if (cost->waits != cost->ipis)
		exp_fail(e, "%s, %s: %lu IPIs, but %lu waits for answers", row->policy->name,
			 exp_roots_text(row), cost->ipis, cost->waits);
}
