/* SPDX-License-Identifier: MIT */
/*
 * The scenarios, see sweep.h: a new one is a function and a row of the table.
 *
 * What keeps them free of time. The purger either ends its purge or asks the target for a flush;
 * which of the two is the policy's word, and both can be seen. The NMI handler tells that it runs,
 * and stays until it is told to end. That it has ended shows in the count of exits, which the
 * target, stopped or in ring 3 without an order, does not move by itself. An IPI that waits for the
 * target meanwhile is taken when interrupts are on again: in the kernel's C part, or in ring 3.
 */
#include "kernel/sweep.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/relax.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/tlb.h"
#include "arch/x86_64/traps.h"
#include "arch/x86_64/tsc.h"
#include "kernel/canary.h"
#include "kernel/cpu_work.h"

#define WAIT_LIMIT_MS 30000
#define WARM_ATTEMPTS 8

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

/* Starts one and returns when it is over or waits for the target. */
static void purge_begin(const struct sweep *s)
{
	purge.target = s->target;
	purge.requests = flush_requests(s);
	cpu_work_start(s->purger, move_canary, NULL);
	AWAIT(cpu_work_done(s->purger) || flush_requests(s) != purge.requests, s->purger,
	      "its purge is over or asks the stepped CPU");
}

/* The target runs again. */
static void purge_end(struct sweep *s)
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

/* Sends one and returns while its handler runs. */
static void nmi_begin(struct sweep *s)
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

/* Lets the handler end and waits for that. */
static void nmi_end(struct sweep *s)
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

static void nmi_strike(struct sweep *s)
{
	nmi_begin(s);
	nmi_end(s);
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

/* Sends the target into a system call up to AT. */
static bool stop_at(struct sweep *s, const struct place *at)
{
	step_begin(at->position);
	stepper_order(&s->stepper, STEP_TRACE_PROBE);
	return arrives_at(s, at);
}

static void go_on(struct sweep *s)
{
	step_release(STEP_NOWHERE);
	stepper_wait(&s->stepper);
}

/* From a stop in a call: to the first instruction behind the danger zone, of this or the next. */
static bool go_on_into_kernel(struct sweep *s, u64 from)
{
	const struct place kernel = {STEP_AT(STEP_ZONE_KERNEL, 0),
				     s->paths[PATH_CLEAN].trace[STEP_ZONE_KERNEL][0]};

	if (from < kernel.position) {
		step_release(kernel.position);
		return arrives_at(s, &kernel);
	}
	go_on(s);
	return stop_at(s, &kernel);
}

/* --- The scenarios -----------------------------------------------------------------------------
 */

static bool purge_at(struct sweep *s, const struct place *at)
{
	if (!stop_at(s, at))
		return false;
	purge_begin(s);
	go_on(s);
	purge_end(s);
	return true;
}

static bool nmi_at(struct sweep *s, const struct place *at)
{
	if (!stop_at(s, at))
		return false;
	nmi_strike(s);
	go_on(s);
	return true;
}

static bool purge_in_nmi_at(struct sweep *s, const struct place *at)
{
	if (!stop_at(s, at))
		return false;
	nmi_begin(s);
	purge_begin(s);
	nmi_end(s);
	go_on(s);
	purge_end(s);
	return true;
}

static bool nmi_then_purge_in_kernel(struct sweep *s, const struct place *at)
{
	if (!stop_at(s, at))
		return false;
	nmi_strike(s);
	if (!go_on_into_kernel(s, at->position))
		return false;
	purge_begin(s);
	go_on(s);
	purge_end(s);
	return true;
}

static bool purge_in_nmi_in_ring3(struct sweep *s, const struct place *at)
{
	(void)at;
	nmi_begin(s);
	purge_begin(s);
	nmi_end(s);
	purge_end(s);
	return true;
}

static bool purge_then_nmi_at(struct sweep *s, const struct place *at)
{
	if (!stop_at(s, at))
		return false;
	purge_begin(s);
	nmi_strike(s);
	go_on(s);
	purge_end(s);
	return true;
}

const struct scenario scenarios[] = {
	{"A", "a purge at K", false, false, purge_at},
	{"A2", "A with a flush owed", true, false, purge_at},
	{"B", "a flush owed, an NMI at K", true, false, nmi_at},
	{"C", "an NMI at K, a purge while its handler runs", false, false, purge_in_nmi_at},
	{"C2", "C with a flush owed", true, false, purge_in_nmi_at},
	{"D", "an NMI at K, later a purge in the kernel", false, false, nmi_then_purge_in_kernel},
	{"D2", "D with a flush owed", true, false, nmi_then_purge_in_kernel},
	{"E", "an NMI in ring 3, a purge while its handler runs", false, true,
	 purge_in_nmi_in_ring3},
	{"E2", "E with a flush owed", true, true, purge_in_nmi_in_ring3},
	{"F", "a purge at K, then an NMI there", false, false, purge_then_nmi_at},
	{"F2", "F with a flush owed", true, false, purge_then_nmi_at},
	{0},
};

const char *const *scenario_names(void)
{
	static const char *names[ARRAY_SIZE(scenarios)];

	for (u32 i = 0; scenarios[i].name; i++)
		names[i] = scenarios[i].name;
	return names;
}

/* --- One step ----------------------------------------------------------------------------------
 */

static void start_cold(void *unused)
{
	(void)unused;
	__flush_tlb_all();
	canary_cool_local();
}

/* The same state before each step: nothing owed, the canary in the TLB. False: it is not there. */
static bool settle(struct sweep *s)
{
	smp_call_function_single(s->target, CALL_OTHER, start_cold, NULL);
	for (u32 i = 0; i < WARM_ATTEMPTS; i++) {
		stepper_call(&s->stepper, STEP_CALL_PROBE);
		if (canary_is_warm(s->target))
			return true;
	}
	return false;
}

static void purge_in_ring3(struct sweep *s)
{
	purge_begin(s);
	purge_end(s);
}

/* The last call is there for a flush that was lost for good: now it shows. */
void sweep_step(struct sweep *s, const struct scenario *scenario, const struct place *at)
{
	struct sweep_counts before;

	s->warm += settle(s);
	before = sweep_counts(s);
	if (scenario->owed)
		purge_in_ring3(s);
	s->steps++;
	if (!scenario->run(s, at))
		s->missed++;
	stepper_call(&s->stepper, STEP_CALL_PROBE);
	sweep_note(s, &before, scenario, at);
}

bool sweep_find_paths(struct sweep *s)
{
	for (u32 i = 0; i < PATHS; i++) {
		struct path *path = &s->paths[i];

		settle(s);
		if (i == PATH_OWED)
			purge_in_ring3(s);
		step_begin(STEP_NOWHERE);
		stepper_call(&s->stepper, STEP_TRACE_PROBE);
		for (u32 zone = 0; zone < STEP_ZONES; zone++) {
			path->length[zone] = step_length(zone);
			for (u32 index = 0; index < STEP_TRACE_MAX; index++)
				path->trace[zone][index] = step_trace(zone, index);
		}
		if (!path->length[STEP_ZONE_ENTRY] || !path->length[STEP_ZONE_EXIT] ||
		    path->length[STEP_ZONE_ENTRY] > STEP_TRACE_MAX ||
		    path->length[STEP_ZONE_EXIT] > STEP_TRACE_MAX)
			return false;
	}
	return true;
}
