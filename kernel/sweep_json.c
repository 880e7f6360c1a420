/* SPDX-License-Identifier: MIT */
/*
 * The sweep's document, see sweep_json.h.
 */
#include "kernel/sweep_json.h"

#include "arch/x86_64/log.h"
#include "kernel/document.h"
#include "kernel/json.h"
#include "kernel/sweep_doors.h"

/* A row begins a line, and so does each finding. */
#define LINE_DEPTH 4

static struct json json;

void sweep_json_begin(void)
{
	json_begin(&json, document_write, LINE_DEPTH);
	json_object_begin(&json, NULL);
	json_string(&json, "experiment", "sweep");
	json_array_begin(&json, "rows");
}

static void write_claim(const struct policy_claim *claim)
{
	json_object_begin(&json, NULL);
	json_string(&json, "defect", claim->id);
	json_string(&json, "context", claim->context);
	json_string(&json, "effect", claim->effect);
	json_object_end(&json);
}

static void write_place(const char *key, const char *rip_key, const struct place *place)
{
	char position[32];

	if (place->position == STEP_NOWHERE) {
		json_null(&json, key);
		json_null(&json, rip_key);
		return;
	}
	sweep_position_text(position, sizeof(position), place->position);
	json_string(&json, key, position);
	json_u64(&json, rip_key, place->rip);
}

static void write_finding(const struct sweep *s, enum sweep_context context,
			  enum sweep_effect effect)
{
	const struct finding *found = &s->found[context][effect];
	const struct policy_claim *claim = sweep_claim(s->policy, context, effect);
	if (!found->steps)
		return;
	json_object_begin(&json, NULL);
	if (claim)
		json_string(&json, "defect", claim->id);
	else
		json_null(&json, "defect");
	json_string(&json, "context", sweep_context_word(context));
	json_string(&json, "effect", sweep_effect_word(effect));
	json_string(&json, "scenario", found->scenario->name);
	json_string(&json, "door", found->door->name);
	write_place("at", "rip", &found->point.at);
	write_place("then", "then_rip", &found->point.then);
	json_u64(&json, "steps", found->steps);
	json_u64(&json, "first", found->first);
	json_object_end(&json);
}

/* What a scenario's actors went along, and the order in which they did. */
static void write_events(const struct sweep *s)
{
	json_array_begin(&json, "events");
	for (u32 i = 0; i < s->nr_events; i++) {
		char position[32];

		json_object_begin(&json, NULL);
		json_string(&json, "who", s->events[i].who);
		json_string(&json, "what", s->events[i].what);
		if (s->events[i].position >= STEP_AT(STEP_ZONES, 0)) { /* to its end */
			json_null(&json, "to");
		} else {
			sweep_position_text(position, sizeof(position), s->events[i].position);
			json_string(&json, "to", position);
		}
		json_object_end(&json);
	}
	json_array_end(&json);
}

static void write_path(const char *key, const struct path *path)
{
	static const char *const zones[STEP_ZONES] = {"entry", "kernel", "exit"};

	json_object_begin(&json, key);
	for (u32 zone = 0; zone < STEP_ZONES; zone++) {
		json_array_begin(&json, zones[zone]);
		for (u64 i = 0; i < path->length[zone] && i < STEP_TRACE_MAX; i++)
			json_u64(&json, NULL, path->trace[zone][i]);
		json_array_end(&json);
	}
	json_object_end(&json);
}

static void write_trace(const struct sweep *s, const struct scenario *scenario)
{
	write_events(s);
	write_path("way", &s->paths[scenario_way(scenario)]);
	write_path("purge", &s->paths[scenario->purge ? scenario->purge : PATH_PURGE_AT]);
	write_path("nmi", &s->paths[PATH_NMI]);
}

void sweep_json_row(const struct sweep *s, const struct sweep_request *request, enum ending verdict,
		    const char *reason)
{
	json_object_begin(&json, NULL);
	json_string(&json, "policy", s->policy->name);
	json_u64(&json, "roots", s->mode.roots);
	json_string(&json, "verdict", ending_word(verdict));
	json_string(&json, "reason", verdict == END_PASS ? "" : reason);
	json_u64(&json, "steps", s->steps);
	json_u64(&json, "missed", s->missed);
	json_array_begin(&json, "claims");
	for (u32 i = 0; i < s->policy->nr_claims; i++)
		write_claim(&s->policy->claims[i]);
	json_array_end(&json);
	json_array_begin(&json, "not_shown"); /* claims that this machine cannot show */
	for (u32 i = 0; i < s->policy->nr_claims; i++)
		if (!sweep_can_show(s, &s->policy->claims[i]))
			write_claim(&s->policy->claims[i]);
	json_array_end(&json);
	json_array_begin(&json, "found");
	for (u32 c = 0; c < SWEEP_CONTEXTS; c++)
		for (u32 e = 0; e < SWEEP_EFFECTS; e++)
			write_finding(s, c, e);
	json_array_end(&json);
	if (request->trace && request->scenario)
		write_trace(s, request->scenario);
	json_object_end(&json);
}

void sweep_json_skip(const struct flush_policy *policy, const char *reason)
{
	json_object_begin(&json, NULL);
	json_string(&json, "policy", policy->name);
	json_string(&json, "verdict", "skip");
	json_string(&json, "reason", reason);
	json_object_end(&json);
}

void sweep_json_end(enum ending verdict)
{
	const char *error;

	json_array_end(&json);
	json_string(&json, "verdict", ending_word(verdict));
	json_object_end(&json);
	error = json_finish(&json);
	if (error)
		panic("sweep's document: %s", error);
}
