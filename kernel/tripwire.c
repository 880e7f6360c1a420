/* SPDX-License-Identifier: MIT */
/*
 * See tripwire.h. The sender stops here with its request in the target's queue and the IPI not
 * sent. It stops the target by an NMI, which meets it a little later than the policy's answer did,
 * at whatever it does: so the report gives both, the answer with the words that were read for it,
 * and the place.
 */
#include "kernel/tripwire.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/relax.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/trace.h"
#include "arch/x86_64/traps.h"
#include "arch/x86_64/tsc.h"
#include "kernel/backtrace.h"
#include "kernel/panic.h"
#include "kernel/policy_words.h"
#include "kernel/task.h"
#include "mm/policy/policy.h"
#include "mm/tlbflush.h"

#define NMI_LIMIT_MS 10000

static enum tripwire_mode tripwire;
static bool is_armed;

/* The target, as its NMI found it. It writes this, once, then `caught`; the sender reads it. */
static struct {
	unsigned int cpu;
	bool ring3;
	u64 rip;
	struct backtrace trace;
	bool caught;
} target;

static void catch_target(struct pt_regs *regs)
{
	if (this_cpu_number() != target.cpu)
		return;
	target.ring3 = user_mode(regs);
	target.rip = regs->rip;
	if (!target.ring3)
		backtrace_from(&target.trace, regs->rip, regs->rsp);
	__atomic_store_n(&target.caught, true, __ATOMIC_RELEASE);
	cpu_halt_forever();
}

static void stop_target(unsigned int cpu)
{
	u64 deadline = tsc_deadline(NMI_LIMIT_MS);

	target.cpu = cpu;
	__atomic_store_n(&nmi_hook, catch_target, __ATOMIC_SEQ_CST);
	apic_send_nmi(percpu(cpu)->apic_id);
	while (!__atomic_load_n(&target.caught, __ATOMIC_ACQUIRE) && !tsc_passed(deadline))
		cpu_relax();
}

static void say_reason(const struct policy_answer *answer)
{
	char words[120];
	struct text text = text_in(words, sizeof(words));

	if (!answer) {
		panic_say("reason: the policy was not asked: the flush is one that is never "
			  "deferred\n");
		return;
	}
	text_add_policy_words(&text, flush_policy->words, answer->shared, answer->own);
	panic_say("purge %lu: asked about CPU %u, %s answered: IPI\n", answer->generation,
		  answer->target, flush_policy->name);
	panic_say("reason: %s: %s\n",
		  !flush_policy->defers		      ? "this policy never defers"
		  : answer->answer == TRACE_RING3_IPI ? "its word said so, though it sat in ring 3"
						      : "in the kernel, or on its way",
		  words);
}

static void say_target(void)
{
	const struct task *task = percpu(target.cpu)->current;

	if (!target.caught) {
		panic_say("CPU %u, the target: no answer to an NMI within %u ms\n", target.cpu,
			  NMI_LIMIT_MS);
	} else if (target.ring3) {
		panic_say(
			"CPU %u, the target, when the NMI met it: in ring 3 at 0x%lx, program %s\n",
			target.cpu, target.rip, task ? task->program->name : "unknown");
	} else {
		panic_say("CPU %u, the target, when the NMI met it: in the kernel\n", target.cpu);
		backtrace_print(&target.trace, panic_say);
	}
}

static _Noreturn void trip(unsigned int cpu, const struct policy_answer *answer)
{
	static struct backtrace own;
	static bool tripped;

	if (__atomic_exchange_n(&tripped, true, __ATOMIC_SEQ_CST))
		for (;;)
			cpu_relax(); /* the first one stops this CPU, interrupts are on */
	backtrace_here(&own);
	stop_target(cpu);
	panic_begin();
	panic_say("\npanic on CPU %u: tripwire: flush IPI to isolated CPU %u under %s\n",
		  this_cpu_number(), cpu, flush_policy->name);
	say_reason(answer);
	panic_say("CPU %u, the sender:\n", this_cpu_number());
	backtrace_print(&own, panic_say);
	say_target();
	panic_end();
}

/* By what the policy was told and said; where it was not asked, by what the target does now. */
static bool sat_in_ring3(unsigned int cpu, const struct policy_answer *answer)
{
	const struct user_page *page = user_page(cpu);
	u64 exits = READ_ONCE(page->exits);

	return answer ? answer->answer == TRACE_RING3_IPI : READ_ONCE(page->entries) == exits;
}

static void before_flush_ipi(unsigned int cpu)
{
	const struct policy_answer *answer = last_policy_answer();

	if (!__atomic_load_n(&is_armed, __ATOMIC_ACQUIRE) || !cpu_is_isolated(cpu))
		return;
	if (!answer->generation || answer->target != cpu)
		answer = NULL;
	if (tripwire == TRIPWIRE_IPI || sat_in_ring3(cpu, answer))
		trip(cpu, answer);
}

void tripwire_init(enum tripwire_mode mode)
{
	tripwire = mode;
	if (mode == TRIPWIRE_OFF)
		return;
	trace_groups |= TRACE_G_TRIPWIRE;
	flush_ipi_hook = before_flush_ipi;
}

void tripwire_arm(bool armed)
{
	__atomic_store_n(&is_armed, armed, __ATOMIC_RELEASE);
}
