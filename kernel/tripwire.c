/* SPDX-License-Identifier: MIT */
/*
 * See tripwire.h. The sender stops here with its request in the target's queue and the IPI not
 * sent. The target is stopped by an NMI, which meets it a little later than the policy's answer
 * did, at whatever it does: so the report gives both, the answer with the words that were read for
 * it, and the place.
 */
#include "kernel/tripwire.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/trace.h"
#include "kernel/panic.h"
#include "kernel/policy_words.h"
#include "kernel/say.h"
#include "kernel/task.h"
#include "mm/policy/policy.h"
#include "mm/tlbflush.h"

static enum tripwire_mode tripwire;
static bool is_armed;

static void say_reason(const struct policy_answer *answer)
{
	char words[120];
	struct text text = text_in(words, sizeof(words));

	if (!answer) {
		say("reason: the policy was not asked: the flush is one that is never "
		    "deferred\n");
		return;
	}
	text_add_policy_words(&text, flush_policy->words, answer->shared, answer->own);
	say("purge %lu: asked about CPU %u, %s answered: IPI\n", answer->generation, answer->target,
	    flush_policy->name);
	say("reason: %s: %s\n",
	    !flush_policy->defers		? "this policy never defers"
	    : answer->answer == TRACE_RING3_IPI ? "its word said so, though it sat in ring 3"
						: "in the kernel, or on its way",
	    words);
}

static noinline _Noreturn void trip(unsigned int cpu, const struct policy_answer *answer)
{
	const u64 rip = (u64)__builtin_return_address(0);

	panic_begin("tripwire", rip);
	say("\npanic on CPU %u: tripwire: flush IPI to isolated CPU %u under %s\n",
	    this_cpu_number(), cpu, flush_policy->name);
	say_reason(answer);
	/* Behind the saved RBP and the return address (System V ABI, 3.2.2). */
	panic_end(rip, (u64)__builtin_frame_address(0) + 16);
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
