/* SPDX-License-Identifier: MIT */
/*
 * One mailbox a CPU, see cpu_work.h. The boot CPU fills it while `pending` is clear. The CPU sets
 * that itself, in the interrupt that wakes it, runs the work and clears it (release). So the
 * wake-up is over before the work begins, and never strikes a CPU that is in ring 3 already.
 */
#include "kernel/cpu_work.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/spinlock.h"
#include "arch/x86_64/tsc.h"
#include "kernel/watchdog.h"

struct mailbox {
	cpu_work_t work;
	void *arg;
	bool pending;
} __aligned(CACHE_LINE);

static struct mailbox mailboxes[MAX_CPUS];

static void take_over(void *box)
{
	__atomic_store_n(&((struct mailbox *)box)->pending, true, __ATOMIC_RELEASE);
}

void cpu_work_start(unsigned int cpu, cpu_work_t work, void *arg)
{
	struct mailbox *box = &mailboxes[cpu];

	BUG_ON(cpu == this_cpu_number() || !cpu_work_done(cpu));
	box->work = work;
	box->arg = arg;
	smp_call_function_single(cpu, CALL_OTHER, take_over, box);
}

bool cpu_work_done(unsigned int cpu)
{
	return !__atomic_load_n(&mailboxes[cpu].pending, __ATOMIC_ACQUIRE);
}

void cpu_work_wait(unsigned int cpu, u64 limit_ms, const char *what)
{
	u64 deadline = tsc_deadline(limit_ms);

	while (!cpu_work_done(cpu)) {
		if (tsc_passed(deadline))
			panic("CPU %u has not finished within %lu ms: %s", cpu, limit_ms, what);
		cpu_relax();
	}
}

void secondary_main(void)
{
	struct mailbox *box = &mailboxes[this_cpu_number()];

	for (;;) {
		/* Interrupts off between the look and HLT, so that the wake-up is not lost. */
		local_irq_disable();
		if (cpu_work_done(this_cpu_number())) {
			watchdog_idle();
			safe_halt();
			continue;
		}
		watchdog_end_idle();
		local_irq_enable();
		box->work(box->arg);
		__atomic_store_n(&box->pending, false, __ATOMIC_RELEASE);
	}
}
