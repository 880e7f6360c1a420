/* SPDX-License-Identifier: MIT */
/*
 * Which steps a sweep consists of, and one step of it, see sweep.h.
 *
 * A door's instructions are those up to danger_zone_end and from exit_zone_begin on, and a few
 * places that stand for the C part between. Where target and initiator are both stopped, pairs are
 * of accesses in any depth: what lies between two of them is nobody else's business.
 */
#include "arch/x86_64/log.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/tlb.h"
#include "arch/x86_64/traps.h"
#include "kernel/canary.h"
#include "kernel/sweep_actions.h"
#include "kernel/sweep_doors.h"
#include "kernel/sweep_paths.h"
#include "mm/tlbflush.h"

#define WARM_ATTEMPTS 8

static const struct place unused = {STEP_NOWHERE, 0};

/* In the C part nothing is swept: a few places stand for it. */
static const u64 kernel_places[] = {0, 1, 4, 16};

/* --- One step ----------------------------------------------------------------------------------
 */

static void start_cold(void *nothing)
{
	(void)nothing;
	__flush_tlb_all();
	canary_cool_local();
}

bool sweep_settle(struct sweep *s)
{
	s->nr_events = 0;
	smp_call_function_single(s->target, CALL_OTHER, start_cold, NULL);
	for (u32 i = 0; i < WARM_ATTEMPTS; i++) {
		stepper_call(&s->stepper, STEP_CALL_PROBE);
		if (canary_is_warm(s->target))
			return true;
	}
	return false;
}

void sweep_event(struct sweep *s, const char *who, const char *what, u64 position)
{
	BUG_ON(s->nr_events == STEP_EVENTS_MAX);
	s->events[s->nr_events++] = (struct step_event){who, what, position};
}

/*
 * The last call is there for a flush that was lost for good: now it shows. noinline: by its address
 * lateflush-replay.py tells a step from the passes that only look for paths.
 */
noinline void sweep_step(struct sweep *s, const struct scenario *scenario,
			 const struct sweep_point *p)
{
	struct sweep_counts before;

	s->warm += sweep_settle(s);
	before = sweep_counts(s);
	if (scenario->owed) {
		sweep_purge_begin(s);
		sweep_purge_end(s);
	}
	s->steps++;
	s->strike = scenario->strike;
	if (!scenario->run(s, p))
		s->missed++;
	stepper_call(&s->stepper, STEP_CALL_PROBE);
	sweep_note(s, &before, scenario, p);
}

/* --- The steps of a scenario -------------------------------------------------------------------
 */

struct walk {
	struct sweep *s;
	const struct sweep_request *request;
	const struct scenario *scenario;
	bool accesses_only;
	struct place then; /* KIND_HELD */
	/* Called at each place of the target's. */
	void (*visit)(struct walk *w, const struct place *at);
};

/* SYSCALL's door needs no breakpoint, so the NMI's may have the CPU's one for a while. */
static void set_nmi_route(bool on)
{
	struct step_route route = {0};

	for (const struct sweep_door *door = sweep_doors; on && door->name; door++)
		if (sweep_door_is_nmi(door))
			route = sweep_door_route(door);
	step_set_route(STEP_NESTED, &route);
}

/* For a trace: what the others go along while the target is at AT. */
static void find_others(struct walk *w, const struct place *at)
{
	bool owed = w->scenario->owed;

	if (at->position == STEP_NOWHERE || w->s->door != sweep_doors)
		return;
	sweep_find_purge_at(w->s, owed, at);
	if (w->scenario->strike != STRIKE_NONE) {
		set_nmi_route(true);
		sweep_find_nmi_at(w->s, owed, at);
		set_nmi_route(false);
	}
}

static void step_at(struct walk *w, const struct place *at)
{
	const struct sweep_point p = {*at, unused};

	if (w->request->trace)
		find_others(w, at);
	sweep_step(w->s, w->scenario, &p);
}

static bool wanted(u64 asked, const struct place *place)
{
	return asked == STEP_NOWHERE || asked == place->position;
}

static void visit_zone(struct walk *w, const struct path *path, enum step_zone zone)
{
	for (u64 i = 0; i < path_length(path, zone); i++) {
		const struct place at = path_place(path, zone, i);

		if (wanted(w->request->at, &at) && (!w->accesses_only || touches_shared(at.rip)))
			w->visit(w, &at);
	}
}

static void visit_door(struct walk *w)
{
	const struct path *path = &w->s->paths[scenario_way(w->scenario)];

	visit_zone(w, path, STEP_ZONE_ENTRY);
	for (u32 i = 0; i < ARRAY_SIZE(kernel_places) && !w->accesses_only; i++) {
		const struct place at = path_place(path, STEP_ZONE_KERNEL, kernel_places[i]);

		if (kernel_places[i] < path_length(path, STEP_ZONE_KERNEL) &&
		    wanted(w->request->at, &at))
			w->visit(w, &at);
	}
	visit_zone(w, path, STEP_ZONE_EXIT);
}

/* Which instructions of a path count. */
enum choice { ALL, ACCESSES, POLICY, POLICY_ACCESSES };

static bool is_chosen(enum choice choice, u64 rip)
{
	bool policy = choice == POLICY || choice == POLICY_ACCESSES;
	bool access = choice == ACCESSES || choice == POLICY_ACCESSES;

	return (!policy || is_policy_text(rip)) && (!access || touches_shared(rip));
}

/* Place I of PATH, if it is asked for; of a purge its beginning and its end anyway. */
static bool is_then(const struct walk *w, const struct path *path, enum step_zone zone,
		    enum choice choice, u64 i, struct place *then)
{
	bool edge = zone == STEP_ZONE_ENTRY && (!i || i + 1 == path_length(path, zone));

	*then = path_place(path, zone, i);
	return wanted(w->request->then, then) && (edge || is_chosen(choice, then->rip));
}

/* Every such place with AT. */
static void step_along(struct walk *w, const struct path *path, enum step_zone zone,
		       enum choice choice, const struct place *at)
{
	for (u64 i = 0; i < path_length(path, zone); i++) {
		struct sweep_point p = {.at = *at};

		if (is_then(w, path, zone, choice, i, &p.then))
			sweep_step(w->s, w->scenario, &p);
	}
}

/* The path of WHOSE, by the door in force, is too long, or there is none: it was not swept. */
static void lacks_path(struct sweep *s, const char *whose)
{
	if (s->no_path)
		return;
	s->no_path = whose;
	s->no_path_door = s->door;
}

static void step_held(struct walk *w, const struct place *at)
{
	const struct sweep_point p = {*at, w->then};

	sweep_step(w->s, w->scenario, &p);
}

/* What the purge has done so far may lead the target another way. */
static void visit_held(struct walk *w)
{
	const struct path *path = &w->s->paths[w->scenario->purge];

	for (u64 i = 0; i < path_length(path, STEP_ZONE_ENTRY); i++) {
		if (!is_then(w, path, STEP_ZONE_ENTRY, POLICY_ACCESSES, i, &w->then))
			continue;
		if (sweep_find_way_held(w->s, w->scenario->owed, &w->then))
			visit_door(w);
		else
			lacks_path(w->s, "the target with a purge held");
	}
}

static void step_both(struct walk *w, const struct place *at)
{
	u32 purge = w->scenario->purge;

	if (purge == PATH_PURGE_AT && !sweep_find_purge_at(w->s, w->scenario->owed, at))
		lacks_path(w->s, "a purge with the target stopped");
	else
		step_along(w, &w->s->paths[purge], STEP_ZONE_ENTRY, POLICY_ACCESSES, at);
}

static void step_nested(struct walk *w, const struct place *at)
{
	const struct path *path = &w->s->paths[PATH_NMI];
	enum choice choice = w->accesses_only ? ACCESSES : ALL;

	if (!sweep_find_nmi_at(w->s, w->scenario->owed, at)) {
		lacks_path(w->s, "an NMI with the target stopped");
		return;
	}
	step_along(w, path, STEP_ZONE_ENTRY, choice, at);
	step_along(w, path, STEP_ZONE_EXIT, choice, at);
}

static void walk_scenario(struct walk *w)
{
	static const enum choice of_purge[] = {POLICY_ACCESSES, POLICY, ALL};
	enum sweep_depth depth = w->request->depth;

	switch (w->scenario->kind) {
	case KIND_RING3:
		if (w->request->at == STEP_NOWHERE)
			step_at(w, &unused);
		return;
	case KIND_AT:
		w->visit = step_at;
		break;
	case KIND_HOLD:
		step_along(w, &w->s->paths[w->scenario->purge], STEP_ZONE_ENTRY, of_purge[depth],
			   &unused);
		return;
	case KIND_BOTH:
		w->visit = step_both;
		w->accesses_only = true;
		break;
	case KIND_HELD:
		w->visit = step_held;
		w->accesses_only = true;
		visit_held(w);
		return;
	case KIND_NESTED:
		w->visit = step_nested;
		w->accesses_only = depth < DEPTH_WHOLE;
		set_nmi_route(true);
		break;
	}
	visit_door(w);
	if (w->scenario->kind == KIND_NESTED)
		set_nmi_route(false);
}

/* --- All of them -------------------------------------------------------------------------------
 */

/* Scenarios that do not begin at a place of the door are the same by every door. */
static bool is_asked_for(const struct sweep *s, const struct scenario *scenario,
			 const struct sweep_request *request)
{
	bool first = s->door == sweep_doors;
	bool pairs = scenario->kind >= KIND_BOTH;

	if (scenario->strike != STRIKE_NONE && sweep_door_is_nmi(s->door))
		return false;
	if (scenario->strike == STRIKE_MC && s->door->vector == VECTOR_MC)
		return false;
	if (!first && scenario->kind != KIND_AT)
		return false;
	if (request->scenario)
		return request->scenario == scenario;
	return request->depth > DEPTH_SMALL || !pairs;
}

/* Is a purge stopped in any of the scenarios? */
static bool holds_purges(const struct sweep_request *request)
{
	const struct scenario *only = request->scenario;

	return !only || only->purge;
}

static void walk_door(struct sweep *s, const struct sweep_request *request)
{
	bool first = s->door == sweep_doors;

	if (!sweep_find_ways(s)) {
		lacks_path(s, "the target");
		return;
	}
	if (first && holds_purges(request) && !sweep_find_purges(s)) {
		lacks_path(s, "a purge");
		return;
	}
	if (first) {
		s->entry_length = path_length(&s->paths[PATH_OWED], STEP_ZONE_ENTRY);
		s->exit_length = path_length(&s->paths[PATH_OWED], STEP_ZONE_EXIT);
	}
	for (const struct scenario *scenario = scenarios; scenario->name; scenario++) {
		struct walk w = {.s = s,
				 .request = request,
				 .scenario = scenario,
				 .accesses_only = request->depth == DEPTH_SMALL && !first};

		if (is_asked_for(s, scenario, request))
			walk_scenario(&w);
	}
}

void sweep_walk(struct sweep *s, const struct sweep_request *request)
{
	const struct step_route purge = {
		.begin = (u64)flush_tlb_kernel_range_deferrable,
		.end = (u64)smp_call_wait_for,
	};

	step_arm(STEP_INITIATOR, s->initiator);
	step_set_route(STEP_INITIATOR, &purge);
	sweep_doors_open(s->target);
	for (s->door = sweep_doors; s->door->name; s->door++) {
		if (request->door && request->door != s->door)
			continue;
		walk_door(s, request);
	}
	sweep_doors_close();
	step_disarm(STEP_INITIATOR);
}
