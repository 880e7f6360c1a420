/* SPDX-License-Identifier: MIT */
/*
 * The scenarios, see sweep.h: a new one is a function of actions (sweep_actions.h) and a row of the
 * table. Each begins and ends with the target in ring 3.
 */
#include "kernel/sweep.h"

#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/tlb.h"
#include "kernel/canary.h"
#include "kernel/sweep_actions.h"

#define WARM_ATTEMPTS 8

/* --- The scenarios -----------------------------------------------------------------------------
 */

static bool purge_at(struct sweep *s, const struct place *at)
{
	if (!sweep_stop_at(s, at))
		return false;
	sweep_purge_begin(s);
	sweep_go_on(s);
	sweep_purge_end(s);
	return true;
}

static bool nmi_at(struct sweep *s, const struct place *at)
{
	if (!sweep_stop_at(s, at))
		return false;
	sweep_nmi_strike(s);
	sweep_go_on(s);
	return true;
}

static bool purge_in_nmi_at(struct sweep *s, const struct place *at)
{
	if (!sweep_stop_at(s, at))
		return false;
	sweep_nmi_begin(s);
	sweep_purge_begin(s);
	sweep_nmi_end(s);
	sweep_go_on(s);
	sweep_purge_end(s);
	return true;
}

static bool nmi_then_purge_in_kernel(struct sweep *s, const struct place *at)
{
	if (!sweep_stop_at(s, at))
		return false;
	sweep_nmi_strike(s);
	if (!sweep_go_on_into_kernel(s, at->position))
		return false;
	sweep_purge_begin(s);
	sweep_go_on(s);
	sweep_purge_end(s);
	return true;
}

static bool purge_in_nmi_in_ring3(struct sweep *s, const struct place *at)
{
	(void)at;
	sweep_nmi_begin(s);
	sweep_purge_begin(s);
	sweep_nmi_end(s);
	sweep_purge_end(s);
	return true;
}

static bool purge_then_nmi_at(struct sweep *s, const struct place *at)
{
	if (!sweep_stop_at(s, at))
		return false;
	sweep_purge_begin(s);
	sweep_nmi_strike(s);
	sweep_go_on(s);
	sweep_purge_end(s);
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
	sweep_purge_begin(s);
	sweep_purge_end(s);
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

/*
 * The owed one first: under a policy whose bits are sticky (N1) no later entry is as clean as one
 * before the first purge.
 */
_Static_assert(PATHS == 2 && PATH_CLEAN == 0, "two paths");

bool sweep_find_paths(struct sweep *s)
{
	for (u32 n = 0; n < PATHS; n++) {
		u32 i = n ? PATH_CLEAN : PATH_OWED;
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
