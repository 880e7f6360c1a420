/* SPDX-License-Identifier: MIT */
/*
 * The last table of run=noise, see noise_table.h.
 */
#include "kernel/noise_table.h"

#include "kernel/console.h"
#include "kernel/report_lines.h"

static struct noise_line {
	const struct policy_row *row;
	u64 flushes;
	struct noise_counts most;
} lines[MAX_POLICY_ROWS];

static u32 nr_lines;

void noise_table_row(const struct policy_row *row, u64 flushes)
{
	BUG_ON(nr_lines == MAX_POLICY_ROWS);
	lines[nr_lines++] = (struct noise_line){.row = row, .flushes = flushes};
}

void noise_table_cpu(const struct noise_counts *counts)
{
	struct noise_counts *most = &lines[nr_lines - 1].most;

	most->deferred = max(most->deferred, counts->deferred);
	most->requests = max(most->requests, counts->requests);
	most->callbacks = max(most->callbacks, counts->callbacks);
	most->interrupts = max(most->interrupts, counts->interrupts);
	most->entries = max(most->entries, counts->entries);
	most->forced = max(most->forced, counts->forced);
}

void noise_table_print(void)
{
	report_line(console_write, "%s", "");
	report_line(console_write, "noise: the most that any isolated CPU got of these flushes");
	report_line(console_write, "%-12s %5s %9s %9s %9s %9s %10s %9s %8s", "Policy", "Roots",
		    "Flushes", "Deferred", "Requests", "Callbacks", "Interrupts", "Entries",
		    "Forced");
	for (u32 i = 0; i < nr_lines; i++) {
		const struct noise_line *line = &lines[i];

		report_line(console_write, "%-12s %5u %9lu %9lu %9lu %9lu %10lu %9lu %8lu",
			    line->row->policy->name, exp_roots(line->row), line->flushes,
			    line->most.deferred, line->most.requests, line->most.callbacks,
			    line->most.interrupts, line->most.entries, line->most.forced);
	}
	nr_lines = 0;
}
