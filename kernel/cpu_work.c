/* SPDX-License-Identifier: MIT */
/*
 * One mailbox a CPU, see cpu_work.h. The boot CPU fills it while `pending` is clear; the cross-call
 * that wakes the CPU sets it there, so no work begins before its wake-up is over: in ring 3 that
 * would be an interruption that nobody asked for. The CPU runs it and clears it (release).
 */
#include "kernel/cpu_work.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/spinlock.h"
#include "arch/x86_64/tsc.h"

struct mailbox {
	cpu_work_t work;
	void *arg;
	bool pending;
} __aligned(CACHE_LINE);

static struct mailbox mailboxes[MAX_CPUS];

/* On the CPU itself; the interrupt ends its HLT. */
static void take(void *box)
{
	__atomic_store_n(&((struct mailbox *)box)->pending, true, __ATOMIC_RELEASE);
}

void cpu_work_start(unsigned int cpu, cpu_work_t work, void *arg)
{
	struct mailbox *box = &mailboxes[cpu];

	BUG_ON(cpu == this_cpu_number() || !cpu_work_done(cpu));
	box->work = work;
	box->arg = arg;
	smp_call_function_single(cpu, CALL_OTHER, take, box);
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
			safe_halt();
			continue;
		}
		local_irq_enable();
		box->work(box->arg);
		__atomic_store_n(&box->pending, false, __ATOMIC_RELEASE);
	}
}
