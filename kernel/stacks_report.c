/* SPDX-License-Identifier: MIT */
/*
 * Verdict and table of run=stacks, see stacks.h.
 */
#include "kernel/stacks.h"

#include "arch/x86_64/breaks.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/zone.h"
#include "kernel/console.h"
#include "kernel/format.h"
#include "kernel/report_table.h"
#include "kernel/result_words.h"

#define LEAST_PART 4

static bool convicts_stale(const struct stacks_row *row)
{
	return zone_mode == ZONE_STALE || (row->roots == 1 && zone_mode != ZONE_TRAP);
}

/* Addresses that rest until nobody lags seldom come back within a run: there one is enough. */
u64 stacks_least(const struct stacks_row *row, u64 rounds)
{
	return row->policy->lags ? 1 : rounds / LEAST_PART;
}

void stacks_judge(struct stacks_row *row, u64 rounds)
{
	u64 least = stacks_least(row, rounds);

	row->verdict = VERDICT_FAIL;
	if (row->reason[0])
		return;
	if (row->counts.stale)
		snprintf(row->reason, sizeof(row->reason),
			 "%lu stacks were read by an old "
			 "translation",
			 row->counts.stale);
	else if (row->lost)
		snprintf(row->reason, sizeof(row->reason),
			 "%lu looks found a purge that was not flushed", row->lost);
	else if (row->corrupted)
		snprintf(row->reason, sizeof(row->reason), "%lu areas of the storm were changed",
			 row->corrupted);
	if (row->reason[0])
		return;
	row->verdict = VERDICT_ERROR;
	if (row->reused < least)
		snprintf(row->reason, sizeof(row->reason),
			 "too little work: %lu stacks at an "
			 "address used before, %lu are needed",
			 row->reused, least);
	else if (row->counts.exposed < least)
		snprintf(row->reason, sizeof(row->reason),
			 "too little work: %lu checks where "
			 "another frame had been read, %lu are needed",
			 row->counts.exposed, least);
	else if (row->policy->defers && row->owed < least)
		snprintf(row->reason, sizeof(row->reason),
			 "too little work: %lu entries with "
			 "a flush owed, %lu are needed",
			 row->owed, least);
	else
		row->verdict = VERDICT_PASS;
}

void stacks_print(const struct stacks_row *rows, u32 nr)
{
	static const struct table_column columns[] = {
		{"Policy", 16, NULL, true},  {"Roots", 5, NULL, false},	 {"Starts", 6, NULL, false},
		{"Reused", 6, NULL, false},  {"Frame", 6, NULL, false},	 {"Checks", 7, NULL, false},
		{"Exposed", 7, NULL, false}, {"Owed", 6, NULL, false},	 {"Stale", 5, NULL, false},
		{"Lost", 5, NULL, false},    {"Verdict", 7, NULL, true},
	};
	struct table *t = table_begin(columns, ARRAY_SIZE(columns));

	for (u32 i = 0; i < nr; i++) {
		const struct stacks_row *row = &rows[i];

		table_row(t);
		table_text(t, "%s", row->policy->name);
		table_number(t, row->roots);
		table_number(t, row->starts);
		table_number(t, row->reused);
		table_number(t, row->other_frame);
		table_number(t, row->counts.checks);
		table_number(t, row->counts.exposed);
		table_number(t, row->owed);
		if (convicts_stale(row) || row->counts.stale)
			table_number(t, row->counts.stale);
		else
			table_text(t, "n/a");
		table_number(t, row->lost);
		table_text(t, "%s", run_verdict_word(row->verdict));
	}
	table_print(t, console_write);
	for (u32 i = 0; i < nr; i++)
		if (rows[i].reason[0])
			report_line(console_write, "%s, %s: %s", rows[i].policy->name,
				    rows[i].roots == 1 ? "one root" : "two roots", rows[i].reason);
}

enum ending stacks_ending(const struct stacks_row *rows, u32 nr)
{
	enum ending ending = nr ? END_PASS : END_ERROR;

	for (u32 i = 0; i < nr; i++) {
		if (rows[i].verdict == VERDICT_FAIL)
			return END_FAIL;
		if (rows[i].verdict == VERDICT_ERROR)
			ending = END_ERROR;
	}
	if (ending == END_PASS && broken) {
		pr_err("stacks: what was broken was not convicted");
		return END_ERROR;
	}
	return ending;
}
