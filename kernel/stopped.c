/* SPDX-License-Identifier: MIT */
/*
 * See stopped.h. A stopped CPU stays on its NMI stack for good, and so does the frame that its door
 * has pushed there: the reporter reads it in place.
 */
#include "kernel/stopped.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/traps.h"
#include "arch/x86_64/tsc.h"
#include "kernel/say.h"

#define STOP_LIMIT_MS 5000 /* a real CPU takes an NMI within microseconds */
#define LINES_MAX     16
#define DETAILS_MAX   4

/* Written by the CPU that stops, read by the one that reports. */
static const struct pt_regs *stopped[MAX_CPUS];

/* In the NMI's handler, before it does anything else. */
static void stop_here(struct pt_regs *regs)
{
	__atomic_store_n(&stopped[this_cpu_number()], regs, __ATOMIC_RELEASE);
	cpu_halt_forever();
}

void stop_other_cpus(void)
{
	__atomic_store_n(&stop_hook, stop_here, __ATOMIC_SEQ_CST);
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		if (cpu != this_cpu_number())
			apic_send_stop(percpu(cpu)->apic_id);
}

static bool has_stopped(unsigned int cpu)
{
	return __atomic_load_n(&stopped[cpu], __ATOMIC_ACQUIRE) != NULL;
}

/* One deadline for all. */
static void wait_stopped(void)
{
	u64 start = rdtsc_ordered();

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		while (cpu != this_cpu_number() && !has_stopped(cpu) &&
		       rdtsc_ordered() - start < STOP_LIMIT_MS * tsc_khz)
			__asm__ volatile("pause");
}

static bool in_dark(const struct pt_regs *regs)
{
	return regs && !user_mode(regs) && !(regs->rflags & RFLAGS_IF);
}

static void say_cpu(unsigned int cpu)
{
	const struct pt_regs *regs = __atomic_load_n(&stopped[cpu], __ATOMIC_ACQUIRE);

	if (!regs) {
		say("  CPU %3u  takes no NMI: none within %u ms\n", cpu, STOP_LIMIT_MS);
	} else if (user_mode(regs)) {
		say("  CPU %3u  ring 3 at 0x%lx\n", cpu, regs->rip);
	} else {
		say("  CPU %3u %s", cpu, in_dark(regs) ? "! " : "  ");
		say_backtrace_line(cpu, regs->rip, regs->rsp);
	}
}

void say_other_cpus(void)
{
	unsigned int self = this_cpu_number(), details = 0, lines = 0;

	if (nr_online_cpus() < 2)
		return;
	wait_stopped();
	say("other CPUs when they were stopped (!: in ring 0 with interrupts off):\n");
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		if (cpu != self && lines++ < LINES_MAX)
			say_cpu(cpu);
	if (lines > LINES_MAX)
		say("  and %u more\n", lines - LINES_MAX);
	for (unsigned int cpu = 0; cpu < nr_online_cpus() && details < DETAILS_MAX; cpu++) {
		const struct pt_regs *regs = __atomic_load_n(&stopped[cpu], __ATOMIC_ACQUIRE);

		if (cpu == self || !in_dark(regs))
			continue;
		details++;
		say("CPU %u, at %016lx, flags %lx:\n", cpu, regs->rip, regs->rflags);
		say_registers(regs);
		say_backtrace(cpu, regs->rip, regs->rsp);
	}
}
