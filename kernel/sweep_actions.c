/* SPDX-License-Identifier: MIT */
/*
 * What the target does in a scenario, and what strikes it, see sweep_actions.h; the initiator's
 * part is sweep_purge.c.
 *
 * What keeps them free of time. The NMI handler tells that it runs, and stays until it is told to
 * end. That it has ended shows in the count of exits, which the target, stopped or in ring 3
 * without an order, does not move by itself. That the target is in ring 3 again shows in a word
 * that its program moves there. An IPI that waits for the target meanwhile is taken when interrupts
 * are on again: in the kernel's C part, or in ring 3.
 */
#include "kernel/sweep_actions.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/relax.h"
#include "arch/x86_64/traps.h"
#include "arch/x86_64/tsc.h"
#include "kernel/canary.h"
#include "kernel/sweep_await.h"
#include "kernel/sweep_doors.h"

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
	u64 deadline;

	(void)regs;
	if (cpu->cpu != nmi.target)
		return;
	nmi.drains_now = cpu->tlb.nr_drains;
	nmi.spurious_now = cpu->tlb.nr_spurious_drains;
	canary_check_nmi_local();
	__atomic_store_n(&nmi.runs, true, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&nmi.may_end, __ATOMIC_SEQ_CST))
		return;
	deadline = tsc_deadline(2 * SWEEP_WAIT_LIMIT_MS);
	while (!__atomic_load_n(&nmi.may_end, __ATOMIC_SEQ_CST) && !nmi.late) {
		nmi.late = tsc_passed(deadline);
		cpu_relax();
	}
	canary_check_nmi_local();
}

/* WAITS: the handler stays until it is told to end. */
static void expect_nmi(struct sweep *s, bool waits)
{
	nmi = (typeof(nmi)){
		.target = s->target,
		.exits = READ_ONCE(user_page(s->target)->exits),
		.drains = percpu(s->target)->tlb.nr_drains,
		.spurious = percpu(s->target)->tlb.nr_spurious_drains,
		.may_end = !waits,
	};
	nmi_hook = visit;
	s->nmis++;
}

static void book_nmi(struct sweep *s)
{
	nmi_hook = NULL;
	if (nmi.late)
		panic("sweep: CPU %u: its NMI was not let go within %u ms", s->target,
		      2 * SWEEP_WAIT_LIMIT_MS);
	/* Else the oracle saw here what an entry had done. */
	if (nmi.runs && nmi.drains_now != nmi.drains)
		s->spurious_in_nmi += nmi.spurious_now - nmi.spurious;
}

void sweep_nmi_begin(struct sweep *s)
{
	sweep_event(s, "nmi", "begin", STEP_NOWHERE);
	expect_nmi(s, true);
	apic_send_nmi(percpu(s->target)->apic_id);
	SWEEP_AWAIT(__atomic_load_n(&nmi.runs, __ATOMIC_SEQ_CST), s->target,
		    "the NMI's handler runs");
}

void sweep_nmi_end(struct sweep *s)
{
	sweep_event(s, "nmi", "on", STEP_NOWHERE);
	__atomic_store_n(&nmi.may_end, true, __ATOMIC_SEQ_CST);
	SWEEP_AWAIT(READ_ONCE(user_page(s->target)->exits) != nmi.exits, s->target,
		    "the NMI's handler ends");
	book_nmi(s);
}

void sweep_nmi_strike(struct sweep *s)
{
	sweep_nmi_begin(s);
	sweep_nmi_end(s);
}

/* --- An NMI that is stepped --------------------------------------------------------------------
 */

static u64 nmi_looks;
static bool nmi_has_left;

/* Over when the CPU is back where it was stopped before, and looks for its word again. */
static bool nmi_over(void)
{
	if (!nmi_has_left) {
		nmi_has_left = READ_ONCE(user_page(nmi.target)->exits) != nmi.exits;
		nmi_looks = step_looks(STEP_TARGET);
		return false;
	}
	return step_looks(STEP_TARGET) != nmi_looks;
}

bool sweep_nmi_stop_at(struct sweep *s, const struct place *then)
{
	sweep_event(s, "nmi", "to", then->position);
	step_begin(STEP_NESTED, then->position);
	expect_nmi(s, false);
	nmi_has_left = false;
	apic_send_nmi(percpu(s->target)->apic_id);
	if (step_wait(STEP_NESTED, nmi_over) && step_rip(STEP_NESTED) == then->rip)
		return true;
	if (step_is_stopped(STEP_NESTED))
		sweep_nmi_go_on(s);
	else
		book_nmi(s);
	return false;
}

void sweep_nmi_go_on(struct sweep *s)
{
	sweep_event(s, "nmi", "on", STEP_NOWHERE);
	nmi_has_left = false;
	step_release(STEP_NESTED, STEP_NOWHERE);
	SWEEP_AWAIT(nmi_over(), s->target, "the stepped NMI ends");
	book_nmi(s);
}

/* --- The target --------------------------------------------------------------------------------
 */

static void wait_for_ring3(struct sweep *s)
{
	SWEEP_AWAIT(stepper_is_back(), s->target, "ring 3 again");
	stepper_wait(&s->stepper);
	if (sweep_door_is_nmi(s->door))
		book_nmi(s);
}

static void send_in(struct sweep *s)
{
	stepper_way_begin(&s->stepper);
	if (sweep_door_is_nmi(s->door))
		expect_nmi(s, false);
	if (s->door->strike)
		s->door->strike(s->target);
	else
		stepper_order(&s->stepper, s->door->order);
}

/* True: it is stopped at AT. False: it came elsewhere, and the way is over. */
static bool arrives_at(struct sweep *s, const struct place *at)
{
	bool stopped = step_wait(STEP_TARGET, stepper_is_back);

	if (stopped && step_rip(STEP_TARGET) == at->rip)
		return true;
	if (stopped)
		step_release(STEP_TARGET, STEP_NOWHERE);
	wait_for_ring3(s);
	return false;
}

bool sweep_stop_at(struct sweep *s, const struct place *at)
{
	sweep_event(s, "target", "to", at->position);
	/* A held purge may have sent it an IPI: that is taken first, and not for this way. */
	stepper_call(&s->stepper, STEP_NOTHING);
	step_begin(STEP_TARGET, at->position);
	send_in(s);
	return arrives_at(s, at);
}

void sweep_go_on(struct sweep *s)
{
	sweep_event(s, "target", "on", STEP_NOWHERE);
	step_release(STEP_TARGET, STEP_NOWHERE);
	wait_for_ring3(s);
}

static struct place kernel_place(const struct sweep *s)
{
	return (struct place){STEP_AT(STEP_ZONE_KERNEL, 0),
			      s->paths[PATH_CLEAN].trace[STEP_ZONE_KERNEL][0]};
}

bool sweep_go_into_kernel(struct sweep *s)
{
	const struct place kernel = kernel_place(s);

	return sweep_stop_at(s, &kernel);
}

bool sweep_go_on_into_kernel(struct sweep *s, u64 from)
{
	const struct place kernel = kernel_place(s);

	if (from < kernel.position) {
		sweep_event(s, "target", "to", kernel.position);
		step_release(STEP_TARGET, kernel.position);
		return arrives_at(s, &kernel);
	}
	sweep_go_on(s);
	return sweep_stop_at(s, &kernel);
}
