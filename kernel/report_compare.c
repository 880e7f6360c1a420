/* SPDX-License-Identifier: MIT */
/*
 * All policies side by side, the question that every reader has, in three tables: what isolated
 * CPUs got while they stayed in ring 3; what came out once they entered the kernel again and again;
 * and what that costs and proves. What the tables cannot say is said below them.
 */
#include "kernel/report.h"

#include "arch/x86_64/string.h"
#include "kernel/format.h"
#include "kernel/report_table.h"
#include "kernel/result_findings.h"
#include "kernel/result_words.h"

static const char per_cpu[] = "phase 1: each isolated CPU (least-most)";
static const char phase2[] = "phase 2";
static const char both[] = "both phases";

static const struct table_column ring3_columns[] = {
	{"Policy", 12, NULL, true},	  {"Roots", 5, NULL, false},
	{"Flushes", 10, NULL, false},	  {"TLBI-IPI", 11, per_cpu, false},
	{"Callback", 11, per_cpu, false}, {"Deferred", 11, per_cpu, false},
	{"Drained", 11, per_cpu, false},  {"Entries", 11, per_cpu, false},
};

static const struct table_column bounce_columns[] = {
	{"Policy", 12, NULL, true},  {"Roots", 5, NULL, false}, {"Flushes", 8, phase2, false},
	{"Raced", 6, phase2, false}, {"NMI", 6, phase2, false}, {"InRing3", 8, both, false},
	{"Owed", 7, both, false},    {"Full", 7, both, false},	{"Ranged", 8, both, false},
	{"Warm", 6, both, false},    {"Stale", 5, both, false}, {"Lost", 5, both, false},
};

static const struct table_column verdict_columns[] = {
	{"Policy", 12, NULL, true},  {"Roots", 5, NULL, false},	  {"Held", 8, NULL, false},
	{"Instr", 8, NULL, false},   {"Claims", 18, NULL, false}, {"Findings", 18, NULL, false},
	{"Verdict", 9, NULL, false},
};

/* The least and the most that any isolated CPU has of the field at OFFSET. */
static void add_range(struct table *t, const struct policy_result *policy, size_t offset)
{
	u64 low = ~0ULL, high = 0;

	for (u32 i = 0; i < policy->nr_cpus; i++) {
		const struct cpu_result *cpu = &policy->cpus[i];
		u64 value = *(const u64 *)((const char *)cpu + offset);

		if (!cpu->isolated)
			continue;
		low = min(low, value);
		high = max(high, value);
	}
	if (low > high)
		table_text(t, "-"); /* no isolated CPU */
	else
		table_range(t, low, high);
}

static void add_name(struct table *t, const struct policy_result *policy)
{
	table_row(t);
	table_text(t, "%s", policy->name ? policy->name : "unknown");
	table_number(t, policy->roots);
}

static void add_ring3_row(struct table *t, const struct policy_result *policy)
{
	add_name(t, policy);
	if (!policy->ran)
		return;
	table_number(t, policy->flushes);
	add_range(t, policy, offsetof(struct cpu_result, tlbi_ipis));
	add_range(t, policy, offsetof(struct cpu_result, tlbi_callbacks));
	add_range(t, policy, offsetof(struct cpu_result, deferred));
	add_range(t, policy, offsetof(struct cpu_result, drained));
	add_range(t, policy, offsetof(struct cpu_result, kernel_entries));
}

static void add_bounce_row(struct table *t, const struct policy_result *policy)
{
	struct cpu_result isolated, all;

	add_name(t, policy);
	if (!policy->ran)
		return;
	cpu_results_sum(policy, CPUS_ISOLATED, &isolated);
	cpu_results_sum(policy, CPUS_ALL, &all);
	table_number(t, policy->phase2_flushes);
	table_number(t, isolated.raced_ipis);
	if (policy->nmi_load)
		table_number(t, isolated.nmis);
	else
		table_text(t, "off");
	table_number(t, isolated.deferrable_ipis);
	table_number(t, isolated.owed_entries);
	table_number(t, isolated.flush_all);
	table_number(t, isolated.flush_one);
	table_number(t, isolated.warm);
	if (all.canary_valid)
		table_number(t, saturating_add(all.stale, all.nmi_stale));
	else
		table_text(t, "n/a");
	table_number(t, all.lost);
}

/* Words with commas between them; each at most once. */
struct words {
	char text[TABLE_TEXT];
	size_t used;
};

static void add_word(struct words *words, const char *word)
{
	size_t n = strlen(word);
	const char *at = words->text;

	while (*at) {
		const char *end = at;

		while (*end && *end != ',')
			end++;
		if ((size_t)(end - at) == n && memcmp(at, word, n) == 0)
			return;
		at = *end ? end + 1 : end;
	}
	if (words->used < sizeof(words->text))
		words->used += (size_t)snprintf(words->text + words->used,
						sizeof(words->text) - words->used, "%s%s",
						words->used ? "," : "", word);
}

static void add_claims(struct table *t, const struct policy_result *policy)
{
	struct words words = {0};

	for (u32 i = 0; i < policy->nr_claims; i++)
		add_word(&words, policy->claims[i].id);
	table_text(t, "%s", policy->nr_claims ? words.text : "none");
}

/* By the claim that covers it, else by its effect. */
static void add_findings(struct table *t, const struct policy_result *policy)
{
	struct words words = {0};
	u64 found[FINDINGS];

	policy_findings(policy, found);
	for (enum finding f = 0; f < FINDINGS; f++) {
		const struct claim_result *claim = claim_of(policy, f);

		if (found[f])
			add_word(&words, claim ? claim->id : finding_effect(f));
	}
	table_text(t, "%s", words.used ? words.text : "none");
}

static void add_verdict_row(struct table *t, const struct policy_result *policy)
{
	add_name(t, policy);
	if (policy->ran)
		table_number(t, policy->held_pages);
	else
		table_text(t, "-");
	if (policy->ran && policy->syscall_instructions)
		table_number(t, policy->syscall_instructions);
	else
		table_text(t, policy->ran ? "n/a" : "-");
	add_claims(t, policy);
	if (policy->ran)
		add_findings(t, policy);
	else
		table_text(t, "-");
	table_text(t, "%s", policy_verdict_word(policy));
}

static void print_table(const struct run_result *run, const struct table_column *columns,
			u32 nr_columns,
			void (*add_row)(struct table *, const struct policy_result *),
			report_write_fn write)
{
	for (u32 i = 0; i < run->nr_policies;) {
		struct table *t = table_begin(columns, nr_columns);

		for (u32 row = 0; row < TABLE_MAX_ROWS && i < run->nr_policies; row++)
			add_row(t, &run->policies[i++]);
		table_print(t, write);
	}
}

void report_print_comparison(const struct run_result *run, report_write_fn write)
{
	report_line(write, "%s", "");
	report_line(write, "comparison: each isolated CPU while it stays in ring 3, then all of "
			   "them together");
	print_table(run, ring3_columns, ARRAY_SIZE(ring3_columns), add_ring3_row, write);
	print_table(run, bounce_columns, ARRAY_SIZE(bounce_columns), add_bounce_row, write);
	print_table(run, verdict_columns, ARRAY_SIZE(verdict_columns), add_verdict_row, write);
	report_print_notes(run, write);
}
