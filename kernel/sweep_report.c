/* SPDX-License-Identifier: MIT */
/*
 * A policy's line, what was found first and how to see it again, and the verdict.
 */
#include "kernel/sweep_report.h"

#include "arch/x86_64/log.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/zone.h"
#include "kernel/console.h"
#include "kernel/format.h"
#include "kernel/parse.h"
#include "kernel/report_lines.h"
#include "kernel/sweep_doors.h"
#include "kernel/zone_report.h"

/* Of the steps, so many have to begin with a warm canary: three of four. */
#define WARM_PART  3
#define WARM_WHOLE 4

/* Where an instruction is, without a symbol table: from the window's beginning, and its address. */
static void add_rip(struct text *text, u64 rip)
{
	char place[40];

	zone_place(place, sizeof(place), rip);
	text_add(text, "%s%s (%lx)", place[0] ? " = " : "", place, rip);
}

static void add_place(struct text *text, const char *word, const struct place *place)
{
	char position[32];

	if (place->position == STEP_NOWHERE)
		return;
	sweep_position_text(position, sizeof(position), place->position);
	text_add(text, "%s%s", word, position);
}

/* "C at entry+3 = danger_zone_begin+0x14 (ffffffff8021c014)"; other doors than SYSCALL's first. */
static void add_where(struct text *text, const struct finding *found)
{
	const struct sweep_point *p = &found->point;

	if (found->door != sweep_doors)
		text_add(text, "%s, ", found->door->name);
	text_add(text, "%s", found->scenario->name);
	add_place(text, " at ", &p->at);
	if (p->at.position != STEP_NOWHERE)
		add_rip(text, p->at.rip);
	add_place(text, " then ", &p->then);
	if (p->then.position != STEP_NOWHERE)
		text_add(text, " (%lx)", p->then.rip);
}

static bool judge_findings(const struct sweep *s, struct text *reason)
{
	for (u32 c = 0; c < SWEEP_CONTEXTS; c++) {
		for (u32 e = 0; e < SWEEP_EFFECTS; e++) {
			const struct finding *found = &s->found[c][e];

			if (!found->steps || sweep_claim(s->policy, c, e))
				continue;
			text_add(reason, "scenario ");
			add_where(reason, found);
			text_add(reason, ": %s, %s; no claim covers it", sweep_context_word(c),
				 sweep_effect_word(e));
			return false;
		}
	}
	return true;
}

/* With two roots the CR3 writes hide a missing flush from the canary, but not from a stale copy. */
static bool canary_counts_here(const struct sweep *s)
{
	return s->mode.roots == ROOTS_ONE || zone_mode == ZONE_STALE;
}

bool sweep_can_show(const struct sweep *s, const struct policy_claim *claim)
{
	const char *speculative = s->policy->speculative;

	if (strcmp(claim->effect, sweep_effect_word(SWEEP_STALE)) != 0)
		return true;
	if (!canary_counts_here(s))
		return false;
	return zone_mode == ZONE_STALE || !speculative || strcmp(claim->id, speculative) != 0 ||
	       strcmp(claim->context, sweep_context_word(SWEEP_PROCESS)) != 0;
}

static bool judge_work(const struct sweep *s, struct text *reason)
{
	if (!s->null_steady)
		text_add(reason, "the way of a system call does not come out the same twice");
	else if (s->no_path)
		text_add(reason, "door %s: the path of %s is too long, or there is none",
			 s->no_path_door->name, s->no_path);
	else if (!s->steps)
		text_add(reason, "no step: no scenario has that position");
	else if (s->missed)
		text_add(reason, "%lu of %lu steps did not reach their position", s->missed,
			 s->steps);
	else if (s->purges_left)
		text_add(reason, "%lu purges could not be made: too many canaries rest",
			 s->purges_left);
	else if (canary_counts_here(s) && s->warm < s->steps * WARM_PART / WARM_WHOLE)
		text_add(reason, "the canary was warm in %lu of %lu steps", s->warm, s->steps);
	else
		return true;
	return false;
}

static bool judge_claims(const struct sweep *s, struct text *reason)
{
	for (u32 i = 0; i < s->policy->nr_claims; i++) {
		const struct policy_claim *claim = &s->policy->claims[i];
		const struct finding *found = sweep_claimed(s, claim);

		if (!sweep_can_show(s, claim) || (found && found->steps))
			continue;
		text_add(reason, "claim %s (%s, %s) was not shown", claim->id, claim->context,
			 claim->effect);
		return false;
	}
	return true;
}

enum ending sweep_judge(const struct sweep *s, const struct sweep_request *request, char *reason,
			size_t size)
{
	struct text text = text_in(reason, size);

	if (!judge_findings(s, &text))
		return END_FAIL;
	if (!judge_work(s, &text))
		return END_ERROR;
	if (request->exact && !judge_claims(s, &text))
		return END_ERROR;
	return END_PASS;
}

void sweep_print_head(const struct sweep *s)
{
	report_line(console_write, "sweep: CPU %u is stepped, CPU %u purges", s->target,
		    s->initiator);
	report_line(console_write,
		    "             |instructions| |------ work -----| |--- process ---| "
		    "|----- nmi -----|");
	report_line(console_write,
		    "Policy       Entry Exit Null Steps Struck  Warm Stale  Lost Spur. "
		    "Stale  Lost Spur.   Claims Verdict");
}

static void add_counts(struct text *text, const struct sweep *s, enum sweep_context context)
{
	for (u32 e = 0; e < SWEEP_EFFECTS; e++) {
		if (e == SWEEP_STALE && !canary_counts_here(s) && !s->found[context][e].steps)
			text_add(text, " %5s", "n/a");
		else
			text_add(text, " %5lu", s->found[context][e].steps);
	}
}

/* Each id once. */
static void add_claims(struct text *text, const struct flush_policy *policy)
{
	char ids[32];
	struct text list = text_in(ids, sizeof(ids));

	for (u32 i = 0; i < policy->nr_claims; i++)
		if (!i || strcmp(policy->claims[i].id, policy->claims[i - 1].id) != 0)
			text_add(&list, "%s%s", i ? "," : "", policy->claims[i].id);
	text_add(text, " %8s", ids[0] ? ids : "none");
}

static void print_finding(const struct sweep *s, const struct sweep_request *request,
			  enum sweep_context context, enum sweep_effect effect)
{
	const struct finding *found = &s->found[context][effect];
	const struct policy_claim *claim = sweep_claim(s->policy, context, effect);
	char line[REPORT_COLUMNS * 2];
	struct text text = text_in(line, sizeof(line));

	if (!found->steps)
		return;
	add_where(&text, found);
	report_line(console_write, "  %s, %s, %s%s: %s", sweep_context_word(context),
		    sweep_effect_word(effect), claim ? "claimed as " : "not claimed",
		    claim ? claim->id : "", line);
	if (claim)
		return;
	text = text_in(line, sizeof(line));
	if (found->door != sweep_doors)
		text_add(&text, ",door=%s", found->door->name);
	add_place(&text, ",at=", &found->point.at);
	add_place(&text, ",then=", &found->point.then);
	report_line(console_write, "  again: make run POLICY=%s RUN=sweep,scenario=%s%s%s%s",
		    s->policy->name, found->scenario->name, line,
		    request->broken[0] ? " ARGS=" : "", request->broken);
}

void sweep_print(const struct sweep *s, const struct sweep_request *request, enum ending verdict,
		 const char *reason)
{
	char line[REPORT_COLUMNS * 2];
	struct text text = text_in(line, sizeof(line));
	struct report_paragraph paragraph;

	text_add(&text, "%-12s %5lu %4lu %4lu %5lu %6lu %5lu", s->policy->name, s->entry_length,
		 s->exit_length, s->null_call.entry + s->null_call.kernel + s->null_call.exit,
		 s->steps, s->strikes, s->warm);
	add_counts(&text, s, SWEEP_PROCESS);
	add_counts(&text, s, SWEEP_NMI);
	add_claims(&text, s->policy);
	report_line(console_write, "%s %7s", line, ending_word(verdict));
	for (u32 c = 0; c < SWEEP_CONTEXTS; c++)
		for (u32 e = 0; e < SWEEP_EFFECTS; e++)
			print_finding(s, request, c, e);
	if (verdict == END_PASS)
		return;
	report_paragraph_begin(&paragraph, console_write,
			       verdict == END_FAIL ? "  fail:" : "  error:");
	report_paragraph_text(&paragraph, reason);
	report_paragraph_end(&paragraph);
}
