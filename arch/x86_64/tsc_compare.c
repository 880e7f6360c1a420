/* SPDX-License-Identifier: MIT */
/*
 * Comparing TSCs, see tsc_compare.h. The reading of one turn is written before the turn is passed
 * on, and the next is made after the turn was seen to be there (LFENCE before RDTSC): so it is
 * later, and has to be no lower.
 */
#include "arch/x86_64/tsc_compare.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/relax.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/tsc.h"

#define PAIR_LIMIT_MS 10000 /* by the leader's own TSC alone */

struct pair {
	unsigned int leader;
	u64 offset;
	u32 last_turn; /* even turns are the leader's */
	u64 deadline;

	/* Written by whose turn it is. */
	u32 turn __aligned(CACHE_LINE);
	u64 reading;
	struct tsc_comparison found;

	bool given_up; /* by the leader, which waited for too long */
};

/*
 * The deadline is the leader's: on the other CPU, whose TSC may be far ahead, it means nothing. The
 * last turn is the leader's, too, so it is never gone while the other waits.
 */
static bool wait_for_turn(struct pair *p, u32 turn, bool leads)
{
	while (__atomic_load_n(&p->turn, __ATOMIC_ACQUIRE) != turn) {
		if (leads && tsc_passed(p->deadline)) {
			__atomic_store_n(&p->given_up, true, __ATOMIC_RELAXED);
			return false;
		}
		if (!leads && __atomic_load_n(&p->given_up, __ATOMIC_RELAXED))
			return false;
		cpu_relax();
	}
	return true;
}

/* On both CPUs, interrupts off. */
static void take_turns(void *arg)
{
	struct pair *p = arg;
	bool leads = this_cpu_number() == p->leader;

	for (u32 turn = leads ? 0 : 1; turn <= p->last_turn; turn += 2) {
		u64 now, step;

		if (!wait_for_turn(p, turn, leads))
			return;
		now = rdtsc_ordered() + (leads ? 0 : p->offset);
		step = p->reading - now;
		if (turn) {
			p->found.readings++;
			if ((s64)step > 0) {
				p->found.backwards++;
				p->found.largest = max(p->found.largest, step);
			}
		}
		p->reading = now;
		__atomic_store_n(&p->turn, turn + 1, __ATOMIC_RELEASE);
	}
}

void tsc_compare(unsigned int cpu, u32 turns, u64 offset, struct tsc_comparison *sum)
{
	struct pair p = {
		.leader = this_cpu_number(),
		.offset = offset,
		.last_turn = 2 * turns,
		.deadline = tsc_deadline(PAIR_LIMIT_MS),
	};
	struct cpumask both = {0};

	cpumask_set(&both, p.leader);
	cpumask_set(&both, cpu);
	on_cpus(CALL_OTHER, &both, take_turns, &p);
	if (p.turn <= p.last_turn) {
		pr_warn("TSC: CPUs %u and %u: %u of %u readings in turns within %u ms\n", p.leader,
			cpu, p.turn, p.last_turn + 1, PAIR_LIMIT_MS);
		sum->unfinished++;
	}
	sum->readings += p.found.readings;
	sum->backwards += p.found.backwards;
	sum->largest = max(sum->largest, p.found.largest);
}

void tsc_compare_all(u32 turns, struct tsc_comparison *sum)
{
	*sum = (struct tsc_comparison){0};
	for (unsigned int cpu = 1; cpu < nr_online_cpus(); cpu++)
		tsc_compare(cpu, turns, 0, sum);
}
