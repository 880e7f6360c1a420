/* SPDX-License-Identifier: MIT */
/*
 * What the scenarios are made of, see sweep_actions.h.
 *
 * What keeps them free of time. The purger either ends its purge or asks the target for a flush;
 * which of the two is the policy's word, and both can be seen. The NMI handler tells that it runs,
 * and stays until it is told to end. That it has ended shows in the count of exits, which the
 * target, stopped or in ring 3 without an order, does not move by itself. An IPI that waits for the
 * target meanwhile is taken when interrupts are on again: in the kernel's C part, or in ring 3.
 */
#include "kernel/sweep_actions.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/relax.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/traps.h"
#include "arch/x86_64/tsc.h"
#include "kernel/canary.h"
#include "kernel/cpu_work.h"

#define WAIT_LIMIT_MS 30000

/* Waits for COND; what is awaited, and of which CPU, ends the machine if it does not come. */
#define AWAIT(cond, cpu, what)                                                                     \
	do {                                                                                       \
		u64 _deadline = tsc_deadline(WAIT_LIMIT_MS);                                       \
		while (!(cond)) {                                                                  \
			if (tsc_passed(_deadline))                                                 \
				panic("sweep: CPU %u: not within %u ms: %s", cpu, WAIT_LIMIT_MS,   \
				      what);                                                       \
			cpu_relax();                                                               \
		}                                                                                  \
	} while (0)

/* --- A purge by the other CPU -------------------------------------------------------------------
 */

static struct {
	unsigned int target;
	u64 requests; /* of the purger to the target, before */
	bool moved;
} purge;

static void move_canary(void *unused)
{
	(void)unused;
	purge.moved = canary_swap(purge.target, false);
}

static u64 flush_requests(const struct sweep *s)
{
	return READ_ONCE(percpu(s->purger)->call_stats[s->target].requests[CALL_FLUSH]);
}

void sweep_purge_begin(const struct sweep *s)
{
	purge.target = s->target;
	purge.requests = flush_requests(s);
	cpu_work_start(s->purger, move_canary, NULL);
	AWAIT(cpu_work_done(s->purger) || flush_requests(s) != purge.requests, s->purger,
	      "its purge is over or asks the stepped CPU");
}

void sweep_purge_end(struct sweep *s)
{
	cpu_work_wait(s->purger, WAIT_LIMIT_MS, "the end of its purge");
	if (!purge.moved)
		s->purges_left++;
}

/* --- An NMI to the target ----------------------------------------------------------------------
 */

static struct {
	unsigned int target;
	u64 exits;		      /* of the target, before */
	u64 drains, spurious;	      /* its drains, and those that answered to no purge: before */
	u64 drains_now, spurious_now; /* and in the handler */
	bool runs, may_end, late;
} nmi;

/* The canary is read on the way in, and again after whatever came meanwhile. */
static void visit(struct pt_regs *regs)
{
	struct percpu *cpu = this_cpu();
	u64 deadline = tsc_deadline(2 * WAIT_LIMIT_MS);

	(void)regs;
	if (cpu->cpu != nmi.target)
		return;
	nmi.drains_now = cpu->tlb.nr_drains;
	nmi.spurious_now = cpu->tlb.nr_spurious_drains;
	canary_check_nmi_local();
	__atomic_store_n(&nmi.runs, true, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&nmi.may_end, __ATOMIC_SEQ_CST) && !nmi.late)
		nmi.late = tsc_passed(deadline);
	canary_check_nmi_local();
}

void sweep_nmi_begin(struct sweep *s)
{
	nmi = (typeof(nmi)){
		.target = s->target,
		.exits = READ_ONCE(user_page(s->target)->exits),
		.drains = percpu(s->target)->tlb.nr_drains,
		.spurious = percpu(s->target)->tlb.nr_spurious_drains,
	};
	nmi_hook = visit;
	apic_send_nmi(percpu(s->target)->apic_id);
	AWAIT(__atomic_load_n(&nmi.runs, __ATOMIC_SEQ_CST), s->target, "the NMI's handler runs");
	s->nmis++;
}

void sweep_nmi_end(struct sweep *s)
{
	__atomic_store_n(&nmi.may_end, true, __ATOMIC_SEQ_CST);
	AWAIT(READ_ONCE(user_page(s->target)->exits) != nmi.exits, s->target,
	      "the NMI's handler ends");
	nmi_hook = NULL;
	if (nmi.late)
		panic("sweep: CPU %u: its NMI was not let go within %u ms", s->target,
		      2 * WAIT_LIMIT_MS);
	if (nmi.drains_now != nmi.drains) /* else the oracle saw here what an entry had done */
		s->spurious_in_nmi += nmi.spurious_now - nmi.spurious;
}

void sweep_nmi_strike(struct sweep *s)
{
	sweep_nmi_begin(s);
	sweep_nmi_end(s);
}

/* --- The target --------------------------------------------------------------------------------
 */

/* True: it is stopped at AT. False: it came elsewhere, and the call is over. */
static bool arrives_at(struct sweep *s, const struct place *at)
{
	bool stopped = step_wait();

	if (stopped && step_rip() == at->rip)
		return true;
	if (stopped)
		step_release(STEP_NOWHERE);
	stepper_wait(&s->stepper);
	return false;
}

bool sweep_stop_at(struct sweep *s, const struct place *at)
{
	step_begin(at->position);
	stepper_order(&s->stepper, STEP_TRACE_PROBE);
	return arrives_at(s, at);
}

void sweep_go_on(struct sweep *s)
{
	step_release(STEP_NOWHERE);
	stepper_wait(&s->stepper);
}

bool sweep_go_on_into_kernel(struct sweep *s, u64 from)
{
	const struct place kernel = {STEP_AT(STEP_ZONE_KERNEL, 0),
				     s->paths[PATH_CLEAN].trace[STEP_ZONE_KERNEL][0]};

	if (from < kernel.position) {
		step_release(kernel.position);
		return arrives_at(s, &kernel);
	}
	sweep_go_on(s);
	return sweep_stop_at(s, &kernel);
}
