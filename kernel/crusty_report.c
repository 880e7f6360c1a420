/* SPDX-License-Identifier: MIT */
/*
 * The report of run=crusty, for people and as JSON (docs/crusty.schema.json).
 */
#include "arch/x86_64/string.h"
#include "kernel/console.h"
#include "kernel/crusty.h"
#include "kernel/format.h"
#include "kernel/report.h"
#include "kernel/report_json.h"
#include "kernel/report_lines.h"

#define JSON_LINE_DEPTH 2

/* In words, what the counts allow to be said. */
static void answer(const struct crusty_row *row, char *buf, size_t size)
{
	if (row->missing)
		snprintf(buf, size, "not asked: %s", row->missing);
	else if (row->kept == row->rounds)
		snprintf(buf, size, "seen each time");
	else if (row->kept)
		snprintf(buf, size, "seen");
	else
		snprintf(buf, size, "not seen in %lu rounds", row->rounds);
}

static const char *rule_word(enum crusty_rule rule)
{
	static const char *const words[] = {
		[RULE_CONTROL] = "control", [RULE_GONE] = "gone", [RULE_OPEN] = "open"};

	return words[rule];
}

static void print_rows(const struct crusty_probes *p)
{
	char text[48], old[24];

	report_line(console_write, "%s", "");
	report_line(console_write,
		    "after a change: is the old translation used? (SDM: gone = never, "
		    "open = it may be)");
	report_line(console_write, "%-18s %-38s %-7s %7s %s", "Probe", "what was done", "SDM",
		    "old", "answer");
	for (u32 i = 0; i < p->nr_rows; i++) {
		const struct crusty_row *row = &p->rows[i];

		answer(row, text, sizeof(text));
		snprintf(old, sizeof(old), "%lu", row->kept);
		report_line(console_write, "%-18s %-38s %-7s %7s %s", row->name, row->question,
			    rule_word(row->rule), row->missing ? "-" : old, text);
	}
}

static void print_survival(const struct crusty_survivals *s)
{
	report_line(console_write, "%s", "");
	report_line(
		console_write,
		"in ring 3 without an entry: rounds by the time until the change was seen (CPU %u)",
		s->cpu);
	report_line(
		console_write,
		"            |------ at the last look ------| |------------- gone after less than "
		"---------------|");
	report_line(console_write,
		    "Other pages Rounds Still there    Looks    1us   10us  100us    "
		    "1ms   10ms  100ms   more");
	for (u32 i = 0; i < CRUSTY_PRESSURES; i++) {
		const struct crusty_survival *row = &s->row[i];
		const u64 *b = row->bucket;

		report_line(console_write,
			    "%11lu %6lu %11lu %8lu %6lu %6lu %6lu %6lu %6lu %6lu %6lu",
			    row->pressure, row->rounds, row->survived, row->limit, b[0], b[1], b[2],
			    b[3], b[4], b[5], b[6]);
	}
}

void crusty_print(const struct crusty_result *result)
{
	report_line(console_write, "%s", "");
	report_line(console_write,
		    "Lateflush: what the TLB keeps of a translation that was changed");
	report_print_machine(&result->setup->machine, console_write);
	report_line(console_write, "cpuid: %x", result->cpuid_signature);
	print_rows(&result->probes);
	print_survival(&result->survivals);
	if (result->reason[0])
		report_line(console_write, "%s: %s", ending_word(result->verdict), result->reason);
}

static void json_row(struct json *j, const struct crusty_row *row)
{
	json_object_begin(j, NULL);
	json_string(j, "name", row->name);
	json_string(j, "question", row->question);
	json_string(j, "rule", rule_word(row->rule));
	json_u64(j, "rounds", row->rounds);
	if (row->missing)
		json_null(j, "old");
	else
		json_u64(j, "old", row->kept);
	json_string(j, "missing", row->missing);
	json_object_end(j);
}

static void json_survival(struct json *j, const struct crusty_survival *row)
{
	json_object_begin(j, NULL);
	json_u64(j, "other_pages", row->pressure);
	json_u64(j, "rounds", row->rounds);
	json_u64(j, "looks", row->limit);
	json_u64(j, "survived", row->survived);
	json_array_begin(j, "gone_by_time");
	for (u32 i = 0; i < CRUSTY_BUCKETS; i++)
		json_u64(j, NULL, row->bucket[i]);
	json_array_end(j);
	json_u64(j, "fewest_looks", row->shortest);
	json_u64(j, "most_looks", row->longest);
	json_object_end(j);
}

const char *crusty_json(const struct crusty_result *result, json_write_fn write)
{
	struct json j;

	json_begin(&j, write, JSON_LINE_DEPTH);
	json_object_begin(&j, NULL);
	report_json_head(&j, &result->setup->machine, &result->setup->parameters);
	json_string(&j, "experiment", "crusty");
	json_u64(&j, "cpuid_signature", result->cpuid_signature);
	json_string(&j, "verdict", ending_word(result->verdict));
	json_string(&j, "reason", result->reason);
	json_array_begin(&j, "probes");
	for (u32 i = 0; i < result->probes.nr_rows; i++)
		json_row(&j, &result->probes.rows[i]);
	json_array_end(&j);
	json_array_begin(&j, "survival");
	for (u32 i = 0; i < CRUSTY_PRESSURES; i++)
		json_survival(&j, &result->survivals.row[i]);
	json_array_end(&j);
	json_object_end(&j);
	return json_finish(&j);
}
