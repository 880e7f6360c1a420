/* SPDX-License-Identifier: MIT */
/*
 * See watchdog.h. The asking CPU writes its own struct watch alone; the asked one its own answer.
 * One question is under way at a time: the next goes out when the last was answered.
 */
#include "kernel/watchdog.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/traps.h"
#include "arch/x86_64/tsc.h"

#define TIMER_TICKS  (1U << 24) /* of the bus clock / 16: 0.3 s under TCG, some seconds elsewhere */
#define ASK_AGAIN_MS 1000

struct watch {
	u32 question; /* the last one sent */
	u64 asked_at; /* TSC */
	bool armed;
} __aligned(CACHE_LINE);

static struct watch watches[MAX_CPUS];

/* The last question that this CPU has seen. */
static struct answer {
	u32 question;
} __aligned(CACHE_LINE) answers[MAX_CPUS];

static u32 limit_seconds;

void watchdog_answer(void)
{
	struct answer *answer = &answers[this_cpu_number()];

	__atomic_store_n(&answer->question, answer->question + 1, __ATOMIC_RELEASE);
}

static unsigned int neighbour(unsigned int self)
{
	for (unsigned int cpu = self + 1; cpu < nr_online_cpus(); cpu++)
		if (!cpu_is_isolated(cpu))
			return cpu;
	return 0;
}

static void ask(struct watch *watch, unsigned int cpu)
{
	u32 seen = __atomic_load_n(&answers[cpu].question, __ATOMIC_ACQUIRE);
	u64 waited = rdtsc_ordered() - watch->asked_at;

	if (seen != watch->question) {
		if (waited / 1000 / tsc_khz >= limit_seconds)
			panic("watchdog: CPU %u has taken no interrupt for %u s", cpu,
			      limit_seconds);
	} else if (waited / tsc_khz >= ASK_AGAIN_MS) {
		watch->question++;
		watch->asked_at = rdtsc_ordered();
		apic_send_ipi(percpu(cpu)->apic_id, VECTOR_WATCHDOG);
	}
}

void watchdog_idle(void)
{
	unsigned int self = this_cpu_number();
	struct watch *watch = &watches[self];

	if (!__atomic_load_n(&limit_seconds, __ATOMIC_ACQUIRE) || cpu_is_isolated(self))
		return;
	if (!watch->armed)
		watch->armed = apic_timer_rest_local(TIMER_TICKS);
	ask(watch, neighbour(self));
}

void watchdog_end_idle(void)
{
	struct watch *watch = &watches[this_cpu_number()];

	if (watch->armed)
		apic_timer_rest_local(0);
	watch->armed = false;
}

void watchdog_start(u32 seconds)
{
	if (!seconds)
		return;
	smp_call_limit_ms = (u64)seconds * 1000;
	__atomic_store_n(&limit_seconds, seconds, __ATOMIC_RELEASE);
	for (unsigned int cpu = 1; cpu < nr_online_cpus(); cpu++)
		if (!cpu_is_isolated(cpu)) /* they halt already, with no timer set */
			apic_send_ipi(percpu(cpu)->apic_id, VECTOR_REST);
}
