/* SPDX-License-Identifier: MIT */
/*
 * Waiting under an emulator, see relax.h. A housekeeping CPU that has waited for a while halts
 * until its timer, or any interrupt, ends that: the host gives its core to whoever is waited for.
 * With it, and with shorter waits in the storm (pace() in kernel/bench.c), a comparison that took
 * anything between 16 and 80 seconds takes 2 (4 CPUs on 2 cores).
 *
 * Never on an isolated CPU: its only interrupts are those under study. Nor with interrupts off,
 * where nothing would end the halt, nor while something else uses the timer. Such a CPU does a
 * PAUSE instead, once in a while. Where all CPUs take turns in one host thread (thread=single),
 * that hands over to the next; without it each keeps its turn for a tenth of a second, and 254
 * CPUs that wait for a 255th (stop_cpus()) let it have one turn in 25 seconds.
 */
#include "arch/x86_64/relax.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/regs.h"

#define TURNS_BEFORE_REST 256
#define REST_TICKS	  1000 /* of the bus clock / 16: 16 microseconds under TCG */

bool relax_without_pause;

void relax_emulated(void)
{
	struct percpu *cpu = this_cpu();

	if (++cpu->relax_turns % TURNS_BEFORE_REST) {
		barrier();
		return;
	}
	if (irqs_disabled() || cpu_is_isolated(cpu->cpu)) {
		__asm__ volatile("pause" ::: "memory");
		return;
	}
	local_irq_disable();
	if (apic_timer_rest_local(REST_TICKS)) {
		safe_halt();
		local_irq_disable();
		apic_timer_rest_local(0);
	} else {
		__asm__ volatile("pause" ::: "memory");
	}
	local_irq_enable();
}
