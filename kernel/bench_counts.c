/* SPDX-License-Identifier: MIT */
/*
 * Counter differences, see bench_counts.h. Two independent books are kept and compared by the
 * judge: what senders say they sent (call_stats) and what receivers say they got (irq_counters).
 */
#include "kernel/bench_counts.h"

#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/tsc.h"
#include "mm/tlbflush.h"
#include "mm/vmalloc.h"

struct snapshot {
	struct irq_counters irqs;
	struct tlb_counters tlb;
	struct call_stats sent; /* by all senders to this CPU */
	u64 entries;		/* from ring 3 */
	u64 syscalls;
	u64 lost, lost_in_nmi;
};

static struct snapshot before[MAX_CPUS];
static struct flush_totals flushes_before;

u64 flushes_issued(void)
{
	struct flush_totals totals = flush_totals();

	return totals.deferrable + totals.undeferrable;
}

static struct call_stats sent_to(unsigned int target)
{
	struct call_stats sum = {0};

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		const struct call_stats *stats = &percpu(cpu)->call_stats[target];

		for (unsigned int kind = 0; kind < CALL_KINDS; kind++) {
			sum.requests[kind] += stats->requests[kind];
			sum.ipis[kind] += stats->ipis[kind];
			sum.coalesced[kind] += stats->coalesced[kind];
		}
		sum.deferred += stats->deferred;
		sum.raced += stats->raced;
		sum.deferrable += stats->deferrable;
	}
	return sum;
}

/* The doors count an NMI as an entry wherever it strikes; ring 3 has not been left by those. */
static u64 entries_from_ring3(unsigned int cpu)
{
	return READ_ONCE(user_page(cpu)->entries) - percpu(cpu)->irqs.nmi_from_kernel;
}

static struct snapshot take_snapshot(unsigned int cpu)
{
	return (struct snapshot){
		.irqs = percpu(cpu)->irqs,
		.tlb = percpu(cpu)->tlb,
		.sent = sent_to(cpu),
		.entries = entries_from_ring3(cpu),
		.syscalls = user_page(cpu)->causes[CAUSE_SYSCALL],
		.lost = percpu(cpu)->lost,
		.lost_in_nmi = percpu(cpu)->lost_in_nmi,
	};
}

void counts_begin(void)
{
	flushes_before = flush_totals();
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		before[cpu] = take_snapshot(cpu);
}

void counts_entries_now(unsigned int cpu, struct cpu_result *out)
{
	out->phase2_entries = entries_from_ring3(cpu) - before[cpu].entries;
	out->owed_entries = READ_ONCE(percpu(cpu)->tlb.nr_owed_entries) -
			    before[cpu].tlb.nr_owed_entries;
}

/* The whole is read first: the CPU adds to the part before it adds to the whole. */
void counts_lost_now(unsigned int cpu, struct cpu_result *out)
{
	out->lost = READ_ONCE(percpu(cpu)->lost) - before[cpu].lost;
	barrier();
	out->lost_in_nmi = READ_ONCE(percpu(cpu)->lost_in_nmi) - before[cpu].lost_in_nmi;
}

/* What both phases add alike. */
static void add_common(struct cpu_result *cpu, const struct snapshot *now,
		       const struct snapshot *then)
{
	cpu->other_irqs += now->irqs.other_ipis - then->irqs.other_ipis;
	cpu->other_irqs += now->irqs.timer - then->irqs.timer;
	cpu->other_irqs += now->irqs.unknown - then->irqs.unknown;
	cpu->nmis += now->irqs.nmi - then->irqs.nmi;
	cpu->deferrable_ipis += now->sent.deferrable - then->sent.deferrable;
	cpu->owed_entries += now->tlb.nr_owed_entries - then->tlb.nr_owed_entries;
	cpu->spurious_drains += now->tlb.nr_spurious_drains - then->tlb.nr_spurious_drains;
	cpu->flush_all += now->tlb.nr_tlb_local_flush_all - then->tlb.nr_tlb_local_flush_all;
	cpu->flush_one += now->tlb.nr_tlb_local_flush_one - then->tlb.nr_tlb_local_flush_one;
	cpu->lost += now->lost - then->lost;
	cpu->lost_in_nmi += now->lost_in_nmi - then->lost_in_nmi;
	cpu->sent_callbacks += now->sent.requests[CALL_FLUSH] - then->sent.requests[CALL_FLUSH];
	cpu->sent_ipis += now->sent.ipis[CALL_FLUSH] - then->sent.ipis[CALL_FLUSH];
	cpu->sent_coalesced += now->sent.coalesced[CALL_FLUSH] - then->sent.coalesced[CALL_FLUSH];
	cpu->received_callbacks += now->irqs.flush_callbacks - then->irqs.flush_callbacks;
	cpu->received_ipis += now->irqs.flush_ipis - then->irqs.flush_ipis;
}

static void add_flushes(struct policy_result *out, u64 *phase)
{
	struct flush_totals now = flush_totals();

	*phase = now.deferrable + now.undeferrable - flushes_before.deferrable -
		 flushes_before.undeferrable;
	out->full_flushes += now.full - flushes_before.full;
	out->ranged_flushes += now.ranged - flushes_before.ranged;
	out->held_pages = max(out->held_pages, vmalloc_stats().held_pages_most);
}

static void add_gaps(struct cpu_result *cpu, const struct spin_report *report)
{
	cpu->has_gaps = true;
	cpu->unexplained = report->unexplained;
	cpu->gaps[GAP_MACHINE] = (struct gap_result){report->machine.count,
						     tsc_to_ns(report->machine.largest)};
	for (u32 cause = 0; cause < ENTRY_CAUSES; cause++)
		cpu->gaps[GAP_MACHINE + 1 + cause] = (struct gap_result){
			report->by_cause[cause].count, tsc_to_ns(report->by_cause[cause].largest)};
}

_Static_assert(GAP_CAUSES == GAP_MACHINE + 1 + ENTRY_CAUSES, "the machine, then the doors");
_Static_assert(GAP_FLUSH_IPI == 1 + CAUSE_FLUSH_IPI && GAP_EXCEPTION == 1 + CAUSE_EXCEPTION,
	       "in the same order");

static void describe(struct cpu_result *cpu, unsigned int number)
{
	cpu->cpu = number;
	cpu->apic_id = percpu(number)->apic_id;
	cpu->isolated = cpu_is_isolated(number);
}

void counts_end_phase1(struct policy_result *out, const struct spin_report *reports)
{
	add_flushes(out, &out->flushes);
	for (unsigned int number = 0; number < nr_online_cpus(); number++) {
		struct cpu_result *cpu = &out->cpus[number];
		struct snapshot now = take_snapshot(number);
		const struct snapshot *then = &before[number];

		describe(cpu, number);
		add_common(cpu, &now, then);
		cpu->tlbi_ipis = now.irqs.flush_ipis - then->irqs.flush_ipis;
		cpu->tlbi_callbacks = now.irqs.flush_callbacks - then->irqs.flush_callbacks;
		cpu->kernel_entries = now.entries - then->entries;
		cpu->deferred = now.sent.deferred - then->sent.deferred;
		cpu->drained = now.tlb.nr_drains - then->tlb.nr_drains;
		if (cpu->isolated)
			add_gaps(cpu, &reports[number]);
	}
}

void counts_end_phase2(struct policy_result *out)
{
	add_flushes(out, &out->phase2_flushes);
	for (unsigned int number = 0; number < nr_online_cpus(); number++) {
		struct cpu_result *cpu = &out->cpus[number];
		struct snapshot now = take_snapshot(number);
		const struct snapshot *then = &before[number];

		add_common(cpu, &now, then);
		cpu->raced_ipis = now.sent.raced - then->sent.raced;
		cpu->phase2_callbacks = now.irqs.flush_callbacks - then->irqs.flush_callbacks;
		cpu->phase2_entries = now.entries - then->entries;
		cpu->phase2_deferred = now.sent.deferred - then->sent.deferred;
		cpu->phase2_drained = now.tlb.nr_drains - then->tlb.nr_drains;
	}
}
