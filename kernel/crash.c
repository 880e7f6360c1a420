/* SPDX-License-Identifier: MIT */
/*
 * run=crash,how=...: the machine ends in one of the ways in which it must not. For the tests of
 * what notices it: each has its expected report. A machine that lives on has failed.
 *
 * how=panic	the boot CPU panics while the others idle
 * how=two	all CPUs panic at once: one report
 * how=nested	the panic's own text faults
 * how=overflow	a stack runs into its guard page, on the last CPU
 * how=stuck	the last CPU turns its interrupts off for good; a cross-call finds it
 * how=deaf	the same within an NMI handler: it takes no NMI either
 * how=boot	the boot CPU turns its interrupts off for good; the watchdog finds it
 * how=triple	a triple fault
 */
#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/relax.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/traps.h"
#include "arch/x86_64/tsc.h"
#include "kernel/cpu_work.h"
#include "kernel/experiment.h"

static bool spins; /* set by the CPU that does */

static noinline void crash_spin_forever(void)
{
	local_irq_disable();
	__atomic_store_n(&spins, true, __ATOMIC_RELEASE);
	for (;;)
		__asm__ volatile("pause" ::: "memory");
}

static void nothing(void *arg)
{
	(void)arg;
}

/*
 * A call of all CPUs when the last one answers no more: before, it would. Where it never comes to
 * that, the call is answered, and the machine lives on.
 */
static void call_when_spinning(void)
{
	u64 deadline = tsc_deadline(smp_call_limit_ms);

	while (!__atomic_load_n(&spins, __ATOMIC_ACQUIRE) && !tsc_passed(deadline))
		cpu_relax();
	on_each_cpu(CALL_OTHER, nothing, NULL);
}

static void crash_panic(unsigned int last)
{
	(void)last;
	panic("run=crash,how=panic");
}

static void panic_here(void *arg)
{
	(void)arg;
	panic("run=crash,how=two");
}

static void crash_two(unsigned int last)
{
	(void)last;
	on_each_cpu(CALL_OTHER, panic_here, NULL);
}

static void crash_nested(unsigned int last)
{
	(void)last;
	panic("run=crash,how=nested %s", (const char *)VMALLOC_START);
}

/* Not a tail call: each turn has a frame. */
static noinline u64 dig(u64 depth)
{
	volatile u64 frame[64];

	frame[0] = depth;
	return depth ? dig(depth - 1) + frame[0] : 0;
}

static void overflow_here(void *arg)
{
	(void)arg;
	dig(1 << 20);
}

static void crash_overflow(unsigned int last)
{
	cpu_work_start(last, overflow_here, NULL);
	cpu_work_wait(last, smp_call_limit_ms, "a stack that overflows");
}

static void spin_here(void *arg)
{
	(void)arg;
	crash_spin_forever();
}

static void crash_stuck(unsigned int last)
{
	cpu_work_start(last, spin_here, NULL);
	call_when_spinning();
}

static void spin_in_nmi(struct pt_regs *regs)
{
	(void)regs;
	crash_spin_forever();
}

static void crash_deaf(unsigned int last)
{
	nmi_hook = spin_in_nmi;
	apic_send_nmi(percpu(last)->apic_id);
	call_when_spinning();
}

static void crash_boot(unsigned int last)
{
	(void)last;
	crash_spin_forever();
}

/* An empty IDT: the exception cannot be delivered, nor can #DF. */
static void crash_triple(unsigned int last)
{
	static const struct {
		u16 limit;
		u64 base;
	} __packed no_idt;

	(void)last;
	__asm__ volatile("lidt %0; ud2" ::"m"(no_idt));
}

static const char *const ways[] = {"panic", "two",  "nested", "overflow", "stuck",
				   "deaf",  "boot", "triple", NULL};
static void (*const crashes[])(unsigned int last) = {crash_panic,    crash_two,	  crash_nested,
						     crash_overflow, crash_stuck, crash_deaf,
						     crash_boot,     crash_triple};

_Static_assert(ARRAY_SIZE(ways) == ARRAY_SIZE(crashes) + 1, "one function a way");

enum ending run_crash(const struct setup *setup)
{
	static const char *const known[] = {"how", NULL};
	const struct run_spec *run = &setup->options->run;
	u32 how = ARRAY_SIZE(crashes);
	char err[OPTIONS_ERROR_MAX];

	if (!run_only_knows(run, known, err, sizeof(err)) ||
	    !run_word(run, "how", ways, &how, err, sizeof(err)))
		return refuse(err);
	if (how == ARRAY_SIZE(crashes))
		return refuse("run=crash: how= is missing; valid: panic, two, nested, overflow, "
			      "stuck, deaf, boot, triple");
	if (nr_online_cpus() < 2)
		return refuse("run=crash needs 2 CPUs");
	pr_info("crash: %s", ways[how]);
	crashes[how](nr_online_cpus() - 1);
	pr_err("crash: %s, and the machine lives on", ways[how]);
	return END_FAIL;
}
