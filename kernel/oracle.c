/* SPDX-License-Identifier: MIT */
/*
 * The oracles' look at a CPU: at the end of the danger zone, in NMI handlers, before the way out.
 *
 * Lost: in the kernel no completed purge may be uncovered, see arch/x86_64/tlb_gen.h.
 *
 * Spurious (R9): a drain needs a purge that recorded it. A purge can have recorded work only while
 * it asked the policy about this CPU, so each initiator counts its questions before it asks and its
 * answers afterwards. What had been answered when this CPU drained the last time but one was served
 * by the drain that followed: if no more questions have begun by now, there is nothing that this
 * drain can answer to. (The last but one: a purge may come between the policy's look and our count,
 * be answered, and rightly be served by the next drain. Bits that stick are found one entry later
 * for that.) A drain that covers what was not covered before is never spurious, such as one for a
 * purge whose IPI is still on its way.
 */
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/traps.h"

/*
 * An NMI may strike anywhere in here and look too. So the drain is claimed first, with one
 * CMPXCHG: whoever moves drains_seen judges it, by what was known before; an NMI behind that finds
 * nothing to judge, since in the kernel it flushes without a drain.
 */
static void check_drain(struct percpu *cpu)
{
	u64 answers_before = READ_ONCE(cpu->answers_before);
	u64 seen = READ_ONCE(cpu->drains_seen);
	u64 drains = READ_ONCE(cpu->tlb.nr_drains);
	u64 questions = 0;
	u64 answers = 0;

	if (drains == seen || !__atomic_compare_exchange_n(&cpu->drains_seen, &seen, drains, false,
							   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return;

	for (unsigned int i = 0; i < nr_online_cpus(); i++) {
		const struct call_stats *stats = &percpu(i)->call_stats[cpu->cpu];

		answers += __atomic_load_n(&stats->answers, __ATOMIC_ACQUIRE);
		questions += __atomic_load_n(&stats->questions, __ATOMIC_ACQUIRE);
	}
	if (questions > answers_before || cpu->tlb_gen.covered > cpu->covered_at_drain)
		cpu->tlb.nr_owed_entries++;
	else
		cpu->tlb.nr_spurious_drains++;
	cpu->answers_before = cpu->answers_seen;
	cpu->answers_seen = answers;
}

static noinline void look_closer(enum check_point where)
{
	struct percpu *cpu = this_cpu();

	if (cpu->tlb.nr_drains != cpu->drains_seen)
		check_drain(cpu);
	if (!tlb_gen_uncovered(&cpu->tlb_gen))
		return;
	/* The part before the whole: who reads the whole first never sees it without its part. */
	if (where == CHECK_NMI)
		WRITE_ONCE(cpu->lost_in_nmi, cpu->lost_in_nmi + 1);
	barrier();
	/* One instruction: an NMI may add to it meanwhile. */
	__atomic_add_fetch(&cpu->lost, 1, __ATOMIC_RELAXED);
}

/* On every way in and out: two comparisons, as long as there is nothing to see. */
void oracle_check_local(enum check_point where)
{
	const struct percpu *cpu = this_cpu();

	if (unlikely(cpu->tlb.nr_drains != cpu->drains_seen || tlb_gen_behind(&cpu->tlb_gen)))
		look_closer(where);
}
