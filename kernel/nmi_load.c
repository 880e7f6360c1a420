/* SPDX-License-Identifier: MIT */
/*
 * The NMI load, see nmi_load.h.
 */
#include "kernel/nmi_load.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/spinlock.h"
#include "arch/x86_64/tsc.h"
#include "kernel/random.h"

#define ONE_IN	  2
#define MAX_TURNS 200 /* of waiting before one is sent: it shall strike anywhere */
#define LATEST_MS 30000
#define STREAM	  0x4e4d49 /* of the seed, apart from those of the storm */

static struct random random;
static u64 sent[MAX_CPUS];
static u64 taken_before[MAX_CPUS];

static u64 taken(unsigned int cpu)
{
	return READ_ONCE(percpu(cpu)->irqs.nmi) - taken_before[cpu];
}

void nmi_load_begin(u64 seed)
{
	random_init(&random, seed, STREAM);
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		sent[cpu] = 0;
		taken_before[cpu] = READ_ONCE(percpu(cpu)->irqs.nmi);
	}
}

void nmi_load_step(void)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		if (!cpu_is_isolated(cpu) || random_below(&random, ONE_IN))
			continue;
		for (u64 turns = random_below(&random, MAX_TURNS); turns; turns--)
			cpu_relax();
		if (taken(cpu) != sent[cpu])
			continue;
		sent[cpu]++;
		apic_send_nmi(percpu(cpu)->apic_id);
	}
}

void nmi_load_end(void)
{
	u64 deadline = tsc_deadline(LATEST_MS);

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		while (taken(cpu) != sent[cpu]) {
			if (tsc_passed(deadline)) /* one in flight must not meet other doors */
				panic("CPU %u has taken %lu of %lu NMIs within %u ms", cpu,
				      taken(cpu), sent[cpu], LATEST_MS);
			cpu_relax();
		}
}

u64 nmi_load_sent(unsigned int cpu)
{
	return sent[cpu];
}
