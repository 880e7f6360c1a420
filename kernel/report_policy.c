/* SPDX-License-Identifier: MIT */
/*
 * One policy: a table in the shape of `rtla osnoise top`, a row for each isolated CPU and one for
 * all housekeeping CPUs together. Only isolated CPUs are what the run is about; with more than 16
 * of them the first 8 and their sum are shown. An n/a is a thing that could not be measured.
 */
#include "kernel/report.h"

#include "arch/x86_64/string.h"
#include "kernel/report_table.h"
#include "kernel/result_words.h"

#define MAX_FULL_ROWS 16
#define CUT_ROWS      8

static const char phase1[] = "phase 1: isolated CPUs stay in ring 3";
static const char phase2[] = "phase 2";
static const char both[] = "both phases";

static const struct table_column columns[] = {
	{"CPU", 6, NULL, true},		{"TLBI-IPI", 8, phase1, false},
	{"Callback", 8, phase1, false}, {"Deferred", 8, phase1, false},
	{"Drained", 7, phase1, false},	{"Entries", 7, phase1, false},
	{"Gap(ns)", 8, phase1, false},	{"Cause", 5, phase1, false},
	{"Entries", 7, phase2, false},	{"IRQ", 5, both, false},
	{"NMI", 3, both, false},	{"Warm", 6, both, false},
	{"Stale", 5, both, false},	{"Lost", 4, both, false},
};

static void add_cells(struct table *t, const struct cpu_result *cpu)
{
	enum gap_cause largest = gap_largest(cpu);

	table_number(t, cpu->tlbi_ipis);
	table_number(t, cpu->tlbi_callbacks);
	table_number(t, cpu->deferred);
	table_number(t, cpu->drained);
	table_number(t, cpu->kernel_entries);
	if (!cpu->has_gaps) {
		table_text(t, "n/a");
		table_text(t, "-");
	} else if (largest == GAP_CAUSES) {
		table_number(t, 0);
		table_text(t, "-");
	} else {
		table_number(t, cpu->gaps[largest].largest_ns);
		table_text(t, "%s", gap_cause_word(largest));
	}
	table_number(t, cpu->phase2_entries);
	table_number(t, cpu->other_irqs);
	table_number(t, cpu->nmis);
	table_number(t, cpu->warm);
	if (cpu->canary_valid)
		table_number(t, saturating_add(cpu->stale, cpu->nmi_stale));
	else
		table_text(t, "n/a");
	table_number(t, cpu->lost);
}

/* A row that stands for all CPUs of a kind; it bears the number of its CPU if there is but one. */
static void add_sum(struct table *t, const struct policy_result *policy, enum cpu_kind kind,
		    const char *word)
{
	struct cpu_result total;
	u32 nr = cpu_results_sum(policy, kind, &total);

	if (!nr)
		return;
	table_row(t);
	if (nr > 1)
		table_text(t, "%s*%u", word, nr);
	for (u32 i = 0; nr == 1 && i < policy->nr_cpus; i++)
		if (policy->cpus[i].isolated == (kind == CPUS_ISOLATED))
			table_text(t, "%s %u", word, policy->cpus[i].cpu);
	add_cells(t, &total);
}

static void add_rows(struct table *t, const struct policy_result *policy)
{
	struct cpu_result total;
	u32 nr = cpu_results_sum(policy, CPUS_ISOLATED, &total);
	u32 left = nr > MAX_FULL_ROWS ? CUT_ROWS : nr;

	add_sum(t, policy, CPUS_HOUSEKEEPING, "hk");
	for (u32 i = 0; i < policy->nr_cpus && left; i++) {
		if (!policy->cpus[i].isolated)
			continue;
		table_row(t);
		table_text(t, "iso %u", policy->cpus[i].cpu);
		add_cells(t, &policy->cpus[i]);
		left--;
	}
	if (nr <= MAX_FULL_ROWS)
		return;
	table_row(t);
	table_text(t, "...+%u", nr - CUT_ROWS);
	add_sum(t, policy, CPUS_ISOLATED, "iso");
}

static void print_heading(const struct policy_result *policy, report_write_fn write)
{
	const char *title = "Kernel TLBI Noise: ";
	const char *name = policy->name ? policy->name : "unknown";
	size_t n = strlen(title) + strlen(name);
	struct report_paragraph p;

	report_line(write, "%s", "");
	report_line(write, "%*s%s%s", n < REPORT_COLUMNS ? (int)(REPORT_COLUMNS - n) / 2 : 0, "",
		    title, name);
	report_paragraph_begin(&p, write, policy->roots == 1 ? "one root;" : "two roots;");
	report_paragraph_format(
		&p, "lineage: %s; claims:", policy->lineage ? policy->lineage : "unknown");
	for (u32 i = 0; i < policy->nr_claims; i++)
		report_paragraph_format(&p, "%s (%s, %s)", policy->claims[i].id,
					policy->claims[i].context, policy->claims[i].effect);
	if (!policy->nr_claims)
		report_paragraph_text(&p, "none");
	report_paragraph_end(&p);
}

void report_print_policy(const struct policy_result *policy, report_write_fn write)
{
	struct report_paragraph p;
	struct cpu_result total;
	struct table *t;

	print_heading(policy, write);
	if (!policy->ran) {
		report_line(write, "did not run");
		return;
	}
	report_paragraph_begin(&p, write, "flushes:");
	report_paragraph_format(&p, "%llu in phase 1, %llu in phase 2;",
				(unsigned long long)policy->flushes,
				(unsigned long long)policy->phase2_flushes);
	report_paragraph_format(&p, "storm: %llu operations, %llu areas",
				(unsigned long long)policy->operations,
				(unsigned long long)policy->allocations);
	report_paragraph_end(&p);
	report_nmi_note(policy, write);
	t = table_begin(columns, ARRAY_SIZE(columns));
	add_rows(t, policy);
	table_print(t, write);

	cpu_results_sum(policy, CPUS_ALL, &total);
	if (total.unexplained)
		report_line(write, "note: ring 3 saw %llu entries that no door recorded",
			    (unsigned long long)total.unexplained);
	if (policy->corrupted)
		report_line(write, "note: %llu areas did not hold what was written to them",
			    (unsigned long long)policy->corrupted);
}
