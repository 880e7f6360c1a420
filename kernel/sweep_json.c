/* SPDX-License-Identifier: MIT */
/*
 * The sweep's document, see sweep_json.h.
 */
#include "kernel/sweep_json.h"

#include "arch/x86_64/log.h"
#include "kernel/debugcon.h"
#include "kernel/json.h"

/* A row begins a line, and so does each finding. */
#define LINE_DEPTH 4

static struct json json;

static const char *verdict_word(enum ending verdict)
{
	return verdict == END_PASS ? "pass" : verdict == END_FAIL ? "fail" : "error";
}

void sweep_json_begin(void)
{
	if (!debugcon_present())
		return;
	json_begin(&json, debugcon_write, LINE_DEPTH);
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

static void write_finding(const struct sweep *s, enum sweep_context context,
			  enum sweep_effect effect)
{
	const struct finding *found = &s->found[context][effect];
	const struct policy_claim *claim = sweep_claim(s->policy, context, effect);
	char position[32];

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
	if (found->scenario->in_ring3) {
		json_null(&json, "at");
	} else {
		sweep_position_text(position, sizeof(position), found->place.position);
		json_string(&json, "at", position);
	}
	json_u64(&json, "rip", found->place.rip);
	json_u64(&json, "steps", found->steps);
	json_u64(&json, "first", found->first);
	json_object_end(&json);
}

void sweep_json_row(const struct sweep *s, enum ending verdict, const char *reason)
{
	if (!debugcon_present())
		return;
	json_object_begin(&json, NULL);
	json_string(&json, "policy", s->policy->name);
	json_u64(&json, "roots", s->mode.roots);
	json_string(&json, "verdict", verdict_word(verdict));
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
	json_object_end(&json);
}

void sweep_json_skip(const struct flush_policy *policy, const char *reason)
{
	if (!debugcon_present())
		return;
	json_object_begin(&json, NULL);
	json_string(&json, "policy", policy->name);
	json_string(&json, "verdict", "skip");
	json_string(&json, "reason", reason);
	json_object_end(&json);
}

void sweep_json_end(enum ending verdict)
{
	const char *error;

	if (!debugcon_present())
		return;
	json_array_end(&json);
	json_string(&json, "verdict", verdict_word(verdict));
	json_object_end(&json);
	error = json_finish(&json);
	if (error)
		panic("sweep's document: %s", error);
}
