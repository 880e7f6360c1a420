/* SPDX-License-Identifier: MIT */
/*
 * The explorer's report, see report.h. A finding is excused by a claim of the policy that has its
 * context and effect; a disturbed CPU, a wrong root and a stuck hook never are.
 */
#include "tests/explorer/report.h"

#include <string.h>

#include "tests/explorer/costs.h"
#include "tests/explorer/eager.h"
#include "tests/explorer/explored.h"
#include "tests/explorer/hook.h"
#include "tests/explorer/schedule.h"

struct kind {
	enum context context;
	enum effect effect;
};

static void print_json_telling(FILE *out, const struct telling *t)
{
	for (u32 i = 0; i < t->nr; i++)
		fprintf(out,
			"%s\n      {\"action\": %u, \"cpu\": %u, \"nmi\": %s, \"text\": \"%s\"}",
			i ? "," : "", t->lines[i].action, t->lines[i].cpu,
			t->lines[i].nmi ? "true" : "false", t->lines[i].text);
}

static void print_json_claims(FILE *out, const struct flush_policy *policy)
{
	const struct policy_claim *claim;

	for (u32 i = 0; (claim = explored_claim_at(policy, i)); i++)
		fprintf(out, "%s{\"defect\": \"%s\", \"context\": \"%s\", \"effect\": \"%s\"}",
			i ? ", " : "", claim->id, claim->context, claim->effect);
}

static void print_json_finding(FILE *out, const struct conviction *c, const struct telling *t,
			       struct kind kind, const struct policy_claim *claim, bool first)
{
	const struct finding *seen = &t->seen[kind.context][kind.effect];

	fprintf(out, "%s\n    {\"context\": \"%s\", \"effect\": \"%s\", ", first ? "" : ",",
		context_word(kind.context), effect_word(kind.effect));
	if (claim)
		fprintf(out, "\"claim\": \"%s\", ", claim->id);
	else
		fprintf(out, "\"claim\": null, ");
	if (seen->rule)
		fprintf(out, "\"rule\": \"%s\", ", seen->rule);
	else
		fprintf(out, "\"rule\": null, ");
	fprintf(out, "\"cpu\": %u, \"purge\": %u, \"states\": %lu, \"schedule\": \"", seen->cpu,
		seen->purge + 1, c->states);
	schedule_text(out, t->steps, t->nr_steps);
	fputs("\",\n     \"told\": [", out);
	print_json_telling(out, t);
	fputs("]}", out);
}

/* What is wrong in the end, in a sentence that needs no table. */
static void print_outcome(const struct finding *seen, struct kind kind)
{
	const char *who = kind.context == CONTEXT_NMI ? "an NMI's, #DB's or #MC's handler"
						      : "the kernel";
	u32 cpu = seen->cpu, purge = seen->purge + 1;

	switch (kind.effect) {
	case EFFECT_STALE:
		printf("  So: purge %u is over, but the TLB of CPU %u may still hold its old "
		       "translation,\n    and there %s may use that.\n",
		       purge, cpu, who);
		break;
	case EFFECT_LOST:
		printf("  So: purge %u is over, but CPU %u has executed no flush since its number "
		       "was taken,\n    and %s runs there.\n",
		       purge, cpu, who);
		break;
	case EFFECT_SPURIOUS:
		printf("  So: CPU %u drains, and no purge has asked it to since its last flush.\n",
		       cpu);
		break;
	case EFFECT_DISTURBED:
		printf("  So: CPU %u has been in ring 3 all along, and is interrupted for purge "
		       "%u.\n",
		       cpu, purge);
		break;
	case EFFECT_ROOT:
		printf("  So: CPU %u has the wrong root loaded for where it is.\n", cpu);
		break;
	default:
		printf("  So: nothing can go on; CPU %u is stuck.\n", cpu);
	}
}

/* A finding whose interleaving is the one of an earlier finding, and so is not told again. */
static const char *same_as(const struct search *search, const struct conviction *c)
{
	static char text[32];

	for (u32 context = 0; context < CONTEXTS; context++)
		for (u32 effect = 0; effect < EFFECTS; effect++) {
			const struct conviction *other = &search->convictions[context][effect];

			if (other == c)
				return NULL;
			if (!other->finding.found || other->nr_actions != c->nr_actions ||
			    memcmp(other->actions, c->actions, c->nr_actions) != 0)
				continue;
			snprintf(text, sizeof(text), "%s, %s", context_word(context),
				 effect_word(effect));
			return text;
		}
	return NULL;
}

static void print_finding(const struct report *report, const struct flush_policy *policy,
			  bool two_roots, const struct search *search, const struct telling *t,
			  struct kind kind, const struct policy_claim *claim)
{
	const struct conviction *c = &search->convictions[kind.context][kind.effect];
	const char *rule = t->seen[kind.context][kind.effect].rule;
	const char *told = same_as(search, c);

	printf("  %s, %s%s%s: %s%s, after %lu states, %u steps\n", context_word(kind.context),
	       effect_word(kind.effect), rule ? ", breaks " : "", rule ? rule : "",
	       claim ? "claimed as " : "not claimed", claim ? claim->id : "", c->states,
	       t->nr_steps);
	if (!report->tell)
		return;
	if (told)
		printf("  The interleaving is that of %s.\n", told);
	else
		telling_print(stdout, t);
	print_outcome(&t->seen[kind.context][kind.effect], kind);
	printf("  again: build/explorer/explore -p %s -r %u -b %s -s \"", policy->name,
	       two_roots + 1, bounds_now->name);
	schedule_text(stdout, t->steps, t->nr_steps);
	printf("\"\n\n");
}

static void report_findings(struct report *report, const struct flush_policy *policy,
			    bool two_roots, const struct search *search)
{
	static struct telling telling;
	bool first = true;

	for (u32 context = 0; context < CONTEXTS; context++)
		for (u32 effect = 0; effect < EFFECTS; effect++) {
			const struct conviction *c = &search->convictions[context][effect];
			const struct kind kind = {context, effect};
			const struct policy_claim *claim = explored_claim(
				policy, context_word(context), effect_word(effect));

			if (!c->finding.found)
				continue;
			if (!schedule_tell(&telling, c->actions, c->nr_actions, two_roots) ||
			    (!telling.seen[context][effect].found && effect != EFFECT_STUCK))
				explorer_fail("%s: a schedule does not replay", policy->name);
			if (!claim)
				report->unclaimed = true;
			report->found[context][effect] = true;
			print_finding(report, policy, two_roots, search, &telling, kind, claim);
			if (report->json)
				print_json_finding(report->json, c, &telling, kind, claim, first);
			first = false;
		}
}

/* Only a policy that is told when a CPU stops tracking knows the bounds with a bystander. */
static bool knows_untracked(const struct flush_policy *policy)
{
	return policy->stop_tracking;
}

/* Whose bounds with a bystander are left out for good reason: without this list they were lost. */
static void print_json_never_untracked(FILE *out)
{
	bool any = false;

	fputs("\"never_untracked\": [", out);
	for (u32 i = 0; i < nr_explored; i++) {
		if (knows_untracked(explored[i]))
			continue;
		fprintf(out, "%s\"%s\"", any ? ", " : "", explored[i]->name);
		any = true;
	}
	fputs("]", out);
}

void report_begin(struct report *report, const char *json, bool tell, bool early)
{
	*report = (struct report){.tell = tell, .early = early};
	if (json) {
		report->json = fopen(json, "w");
		if (!report->json)
			explorer_fail("-j %s: cannot be written", json);
		fputs("{\"schema\": 1, \"engine\": \"explorer\", ", report->json);
		print_json_never_untracked(report->json);
		fputs(", \"explorations\": [", report->json);
	}
	printf("%-17s %5s %6s %10s %11s %5s %7s  %s\n", "Policy", "Roots", "Bounds", "States",
	       "Transitions", "Depth", "Seconds", "Collisions");
}

void report_explore(struct report *report, const struct flush_policy *policy, bool two_roots,
		    u64 limit)
{
	struct search search;
	double states;

	hook_select(policy, two_roots);
	if (bounds_now->bystander && !knows_untracked(policy))
		return;
	if (report->json)
		costs_begin();
	search_all(&search, two_roots, limit, report->early);
	states = (double)search.states;
	printf("%-17s %5u %6s %10lu %11lu %5u %7.2f  < %.0e%s\n", policy->name, two_roots + 1,
	       bounds_now->name, search.states, search.transitions, search.depth, search.seconds,
	       states * states / 36893488147419103232.0,
	       search.complete	  ? ""
	       : search.convicted ? "  ended at what no claim covers"
				  : "  INCOMPLETE: ended at its limit");
	if (!search.complete && !search.convicted)
		report->incomplete = true;
	if (report->json)
		fprintf(report->json,
			"%s\n  {\"policy\": \"%s\", \"roots\": %u, \"bounds\": \"%s\", \"text\": "
			"\"%s\", \"reduced\": %s, \"complete\": %s, \"states\": %lu, "
			"\"transitions\": %lu, "
			"\"seconds\": %.3f, \"costs\": ",
			report->any ? "," : "", policy->name, two_roots + 1, bounds_now->name,
			bounds_now->text, eager_steps ? "true" : "false",
			search.complete ? "true" : "false", search.states, search.transitions,
			search.seconds);
	costs_end(report->json);
	if (report->json) {
		fputs(",\n   \"claims\": [", report->json);
		print_json_claims(report->json, policy);
		fputs("],\n   \"findings\": [", report->json);
	}
	report_findings(report, policy, two_roots, &search);
	if (report->json)
		fputs("]}", report->json);
	report->any = true;
	fflush(stdout);
}

/* With every bound explored, a claim that was not found is as wrong as a finding not claimed. */
void report_policy(struct report *report, const struct flush_policy *policy, bool exactly)
{
	for (u32 context = 0; context < CONTEXTS; context++)
		for (u32 effect = 0; effect < EFFECTS; effect++) {
			const struct policy_claim *claim = explored_claim(
				policy, context_word(context), effect_word(effect));

			if (!exactly || !claim || report->found[context][effect])
				continue;
			printf("  %s, %s: claimed as %s, NOT FOUND\n", context_word(context),
			       effect_word(effect), claim->id);
			report->unclaimed = true;
		}
	memset(report->found, 0, sizeof(report->found));
}

int report_end(struct report *report)
{
	if (report->json) {
		fputs("\n]}\n", report->json);
		if (fclose(report->json))
			explorer_fail("the JSON could not be written");
	}
	if (!report->any)
		explorer_fail("no policy can be explored like that");
	return report->incomplete ? 4 : report->unclaimed ? 5 : 0;
}

int report_schedule(const struct flush_policy *policy, bool two_roots, const u8 *actions, u32 nr)
{
	static struct telling telling;
	bool any = false;

	if (!(policy->roots & (two_roots ? ROOTS_TWO : ROOTS_ONE)))
		explorer_fail("%s cannot be run with %u root(s)", policy->name, two_roots + 1);
	hook_select(policy, two_roots);
	eager_steps = false; /* each step is named */
	if (!schedule_tell(&telling, actions, nr, two_roots))
		explorer_fail("the schedule is not possible: of another policy, or of another "
			      "state of the source?");
	telling_print(stdout, &telling);
	for (u32 context = 0; context < CONTEXTS; context++)
		for (u32 effect = 0; effect < EFFECTS; effect++)
			if (telling.seen[context][effect].found) {
				const char *rule = telling.seen[context][effect].rule;

				any = true;
				printf("found: %s, %s%s%s\n", context_word(context),
				       effect_word(effect), rule ? ", breaks " : "",
				       rule ? rule : "");
			}
	return any ? 0 : 5;
}
