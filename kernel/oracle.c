/* SPDX-License-Identifier: MIT */
/*
 * The oracles' look at a CPU: at the end of the danger zone, in NMI handlers, before the way out.
 *
 * Lost: in the kernel no completed purge may be uncovered, see arch/x86_64/tlb_gen.h.
 *
 * Spurious (R9): a drain needs a purge that recorded it. A purge can have recorded work since the
 * last drain only while it asked the policy about this CPU, so each initiator counts its questions
 * before it asks and its answers afterwards. If no more questions have begun by now than were
 * answered when this CPU last drained, nobody can have recorded anything in between: in the kernel,
 * behind that drain, none was recorded either. One case is left: a purge that was answered by an
 * IPI, which is still on its way when the CPU drains for it at an entry. Such a drain covers a purge
 * that was not covered before. So a drain is spurious if nobody can have recorded anything, and it
 * covered nothing new.
 */
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/traps.h"

static void check_drain(struct percpu *cpu)
{
	u64 questions = 0;
	u64 answers = 0;

	for (unsigned int i = 0; i < nr_online_cpus(); i++) {
		const struct call_stats *stats = &percpu(i)->call_stats[cpu->cpu];

		answers += __atomic_load_n(&stats->answers, __ATOMIC_ACQUIRE);
		questions += __atomic_load_n(&stats->questions, __ATOMIC_ACQUIRE);
	}
	if (questions > cpu->answers_seen || cpu->tlb_gen.covered > cpu->covered_at_drain)
		cpu->tlb.nr_owed_entries++;
	else
		cpu->tlb.nr_spurious_drains++;
	cpu->answers_seen = answers;
	cpu->drains_seen = cpu->tlb.nr_drains;
}

static noinline void look_closer(enum check_point where)
{
	struct percpu *cpu = this_cpu();

	/* Not in an NMI: it may have struck while this CPU does the same sums. */
	if (where != CHECK_NMI && cpu->tlb.nr_drains != cpu->drains_seen)
		check_drain(cpu);
	if (!tlb_gen_uncovered(&cpu->tlb_gen))
		return;
	/* One instruction: an NMI may add to it meanwhile. */
	__atomic_add_fetch(&cpu->lost, 1, __ATOMIC_RELAXED);
	if (where == CHECK_NMI)
		cpu->lost_in_nmi++;
}

/* On every way in and out: two comparisons, as long as there is nothing to see. */
void oracle_check_local(enum check_point where)
{
	const struct percpu *cpu = this_cpu();

	if (unlikely(cpu->tlb.nr_drains != cpu->drains_seen || tlb_gen_behind(&cpu->tlb_gen)))
		look_closer(where);
}
