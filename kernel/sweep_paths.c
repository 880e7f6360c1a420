/* SPDX-License-Identifier: MIT */
/*
 * Finding the paths, see sweep_paths.h. The owed way comes first: under a policy whose bits are
 * sticky (N1) no later entry is as clean as one before the first purge.
 */
#include "kernel/sweep_paths.h"

#include "kernel/sweep_actions.h"
#include "kernel/sweep_doors.h"

/* A place that no door and no purge has, so that all of it is stepped. */
static const struct place nowhere = {STEP_TO_THE_END, 0};

u64 path_length(const struct path *path, enum step_zone zone)
{
	return path->length[zone];
}

struct place path_place(const struct path *path, enum step_zone zone, u64 index)
{
	return (struct place){STEP_AT(zone, index), path->trace[zone][index]};
}

/* What TRACK has just gone along. ZONES: these must not be empty. */
static bool take_path(struct path *path, enum step_track track, u32 zones)
{
	for (u32 zone = 0; zone < STEP_ZONES; zone++) {
		path->length[zone] = step_length(track, zone);
		for (u64 index = 0; index < path->length[zone] && index < STEP_TRACE_MAX; index++)
			path->trace[zone][index] = step_trace(track, zone, index);
		if (zone != STEP_ZONE_KERNEL && path->length[zone] > STEP_TRACE_MAX)
			return false;
		if ((zones >> zone & 1) && !path->length[zone])
			return false;
	}
	return true;
}

static void purge_in_ring3(struct sweep *s)
{
	sweep_purge_begin(s);
	sweep_purge_end(s);
}

static void prepare(struct sweep *s, bool owed)
{
	sweep_settle(s);
	if (owed)
		purge_in_ring3(s);
}

#define DOOR_ZONES  (1U << STEP_ZONE_ENTRY | 1U << STEP_ZONE_KERNEL | 1U << STEP_ZONE_EXIT)
#define PURGE_ZONES (1U << STEP_ZONE_ENTRY)

bool sweep_find_ways(struct sweep *s)
{
	const struct step_route route = sweep_door_route(s->door);

	step_set_route(STEP_TARGET, &route);
	for (u32 n = 0; n < 2; n++) {
		u32 path = n ? PATH_CLEAN : PATH_OWED;

		prepare(s, path == PATH_OWED);
		sweep_stop_at(s, &nowhere);
		if (!take_path(&s->paths[path], STEP_TARGET, DOOR_ZONES))
			return false;
	}
	return true;
}

static bool go_along_purge(struct sweep *s, u32 path)
{
	sweep_hold_begin(s, &nowhere);
	return take_path(&s->paths[path], STEP_INITIATOR, PURGE_ZONES);
}

bool sweep_find_purges(struct sweep *s)
{
	bool found = true;

	for (u32 path = PATH_PURGE; path <= PATH_PURGE_OWED; path++) {
		prepare(s, path == PATH_PURGE_OWED);
		found = go_along_purge(s, path) && found;
		sweep_purge_end(s);
	}
	prepare(s, false);
	if (!sweep_go_into_kernel(s))
		return false;
	found = go_along_purge(s, PATH_PURGE_KERNEL) && found;
	sweep_go_on(s);
	sweep_purge_end(s);
	return found;
}

bool sweep_find_purge_at(struct sweep *s, bool owed, const struct place *at)
{
	bool found;

	prepare(s, owed);
	if (!sweep_stop_at(s, at))
		return false;
	found = go_along_purge(s, PATH_PURGE_AT);
	sweep_go_on(s);
	sweep_purge_end(s);
	return found;
}

bool sweep_find_way_held(struct sweep *s, bool owed, const struct place *then)
{
	bool found;

	prepare(s, owed);
	found = sweep_hold_begin(s, then);
	if (found) {
		sweep_stop_at(s, &nowhere);
		found = take_path(&s->paths[PATH_WAY_HELD], STEP_TARGET, DOOR_ZONES);
		sweep_hold_release(s);
	}
	sweep_purge_end(s);
	return found;
}

bool sweep_find_nmi_at(struct sweep *s, bool owed, const struct place *at)
{
	bool found;

	prepare(s, owed);
	if (!sweep_stop_at(s, at))
		return false;
	sweep_nmi_stop_at(s, &nowhere);
	found = take_path(&s->paths[PATH_NMI], STEP_NESTED, DOOR_ZONES);
	sweep_go_on(s);
	return found;
}
