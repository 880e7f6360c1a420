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

/* --- What strikes -------------------------------------------------------------------------------
 */

static struct {
	unsigned int cpu;
	u64 exits;		      /* of it, before */
	u64 drains, spurious;	      /* its drains, and those that answered to no purge: before */
	u64 drains_now, spurious_now; /* and in the handler */
	bool runs, may_end, late;
	paranoid_hook_t mc_hook; /* of before */
} strike;

/* The canary is read on the way in, and again after whatever came meanwhile. */
static void visit(struct pt_regs *regs)
{
	struct percpu *cpu = this_cpu();
	u64 deadline;

	(void)regs;
	if (cpu->cpu != strike.cpu)
		return;
	strike.drains_now = cpu->tlb.nr_drains;
	strike.spurious_now = cpu->tlb.nr_spurious_drains;
	canary_check_nmi_local();
	__atomic_store_n(&strike.runs, true, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&strike.may_end, __ATOMIC_SEQ_CST))
		return;
	deadline = tsc_deadline(2 * SWEEP_WAIT_LIMIT_MS);
	while (!__atomic_load_n(&strike.may_end, __ATOMIC_SEQ_CST) && !strike.late) {
		strike.late = tsc_passed(deadline);
		cpu_relax();
	}
	canary_check_nmi_local();
}

/* WAITS: the handler stays until it is told to end. */
static void expect_strike(struct sweep *s, unsigned int cpu, bool waits)
{
	strike = (typeof(strike)){
		.cpu = cpu,
		.exits = READ_ONCE(user_page(cpu)->exits),
		.drains = percpu(cpu)->tlb.nr_drains,
		.spurious = percpu(cpu)->tlb.nr_spurious_drains,
		.may_end = !waits,
		.mc_hook = mc_hook,
	};
	nmi_hook = visit;
	mc_hook = visit;
	s->strikes++;
}

static void book_strike(struct sweep *s)
{
	nmi_hook = NULL;
	mc_hook = strike.mc_hook;
	if (strike.late)
		panic("sweep: CPU %u: what struck it was not let go within %u ms", strike.cpu,
		      2 * SWEEP_WAIT_LIMIT_MS);
	/* Else the oracle saw here what an entry had done. */
	if (strike.runs && strike.cpu == s->target && strike.drains_now != strike.drains)
		s->spurious_in_nmi += strike.spurious_now - strike.spurious;
}

static bool has_left(void)
{
	return READ_ONCE(user_page(strike.cpu)->exits) != strike.exits;
}

static void await_handler(void)
{
	SWEEP_AWAIT(__atomic_load_n(&strike.runs, __ATOMIC_SEQ_CST), strike.cpu,
		    "the handler of what struck it runs");
}

static void await_end_of_handler(void)
{
	__atomic_store_n(&strike.may_end, true, __ATOMIC_SEQ_CST);
	SWEEP_AWAIT(has_left(), strike.cpu, "the handler of what struck it ends");
}

void sweep_strike_begin(struct sweep *s)
{
	bool mc = s->strike == STRIKE_MC;

	sweep_event(s, "nmi", mc ? "mc" : "begin", STEP_NOWHERE);
	expect_strike(s, s->target, true);
	if (mc)
		step_strike_mc();
	else
		apic_send_nmi(percpu(s->target)->apic_id);
	await_handler();
}

void sweep_strike_end(struct sweep *s)
{
	sweep_event(s, "nmi", "on", STEP_NOWHERE);
	await_end_of_handler();
	if (s->strike == STRIKE_MC)
		step_wait(STEP_TARGET, NULL);
	book_strike(s);
}

void sweep_strike(struct sweep *s)
{
	sweep_strike_begin(s);
	sweep_strike_end(s);
}

void sweep_strike_initiator(struct sweep *s)
{
	sweep_event(s, "initiator", "nmi", STEP_NOWHERE);
	expect_strike(s, s->initiator, false);
	apic_send_nmi(percpu(s->initiator)->apic_id);
	await_handler();
	await_end_of_handler();
	book_strike(s);
}

/* --- An NMI that is stepped --------------------------------------------------------------------
 */

static u64 nmi_looks;
static bool nmi_has_left;

/* Over when the CPU is back where it was stopped before, and looks for its word again. */
static bool nmi_over(void)
{
	if (!nmi_has_left) {
		nmi_has_left = has_left();
		nmi_looks = step_looks(STEP_TARGET);
		return false;
	}
	return step_looks(STEP_TARGET) != nmi_looks;
}

bool sweep_nmi_stop_at(struct sweep *s, const struct place *then)
{
	sweep_event(s, "nmi", "to", then->position);
	step_begin(STEP_NESTED, then->position);
	expect_strike(s, s->target, false);
	nmi_has_left = false;
	apic_send_nmi(percpu(s->target)->apic_id);
	if (step_wait(STEP_NESTED, nmi_over) && step_rip(STEP_NESTED) == then->rip)
		return true;
	if (step_is_stopped(STEP_NESTED))
		sweep_nmi_go_on(s);
	else
		book_strike(s);
	return false;
}

void sweep_nmi_go_on(struct sweep *s)
{
	sweep_event(s, "nmi", "on", STEP_NOWHERE);
	nmi_has_left = false;
	step_release(STEP_NESTED, STEP_NOWHERE);
	SWEEP_AWAIT(nmi_over(), s->target, "the stepped NMI ends");
	book_strike(s);
}

/* --- The target --------------------------------------------------------------------------------
 */

static void wait_for_ring3(struct sweep *s)
{
	SWEEP_AWAIT(stepper_is_back(), s->target, "ring 3 again");
	stepper_wait(&s->stepper);
	if (sweep_door_is_nmi(s->door))
		book_strike(s);
}

static void send_in(struct sweep *s)
{
	stepper_way_begin(&s->stepper);
	if (sweep_door_is_nmi(s->door))
		expect_strike(s, s->target, false);
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
	if (step_is_stopped(STEP_TARGET))
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

	if (step_is_stopped(STEP_TARGET) && step_rip(STEP_TARGET) == kernel.rip)
		return true;
	if (from < kernel.position) {
		sweep_event(s, "target", "to", kernel.position);
		step_release(STEP_TARGET, kernel.position);
		return arrives_at(s, &kernel);
	}
	sweep_go_on(s);
	return sweep_stop_at(s, &kernel);
}
