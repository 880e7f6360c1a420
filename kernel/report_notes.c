/* SPDX-License-Identifier: MIT */
/*
 * The lines below the tables: what a figure there does not mean, and what was not tried.
 */
#include "kernel/report.h"
#include "kernel/result_findings.h"
#include "kernel/result_words.h"

/* Why POLICY's NMI load was off: the claim that excuses it, or whoever asked for that. */
static const char *nmi_reason(const struct policy_result *policy)
{
	const struct claim_result *claim = claim_in_context(policy, "nmi");

	return claim ? claim->id : "as asked";
}

static bool without_nmis(const struct policy_result *policy)
{
	return policy->ran && !policy->nmi_load;
}

void report_nmi_note(const struct policy_result *policy, report_write_fn write)
{
	if (without_nmis(policy))
		report_line(write, "NMI load off: %s", nmi_reason(policy));
}

/* NMI load off: state-bits (N4), posted-v2 (N4) */
static void print_nmi_loads(const struct run_result *run, report_write_fn write)
{
	struct report_paragraph p;
	u32 left = 0;

	for (u32 i = 0; i < run->nr_policies; i++)
		left += without_nmis(&run->policies[i]);
	if (!left)
		return;
	report_paragraph_begin(&p, write, "NMI load off:");
	for (u32 i = 0; i < run->nr_policies; i++) {
		const struct policy_result *policy = &run->policies[i];

		if (without_nmis(policy))
			report_paragraph_format(&p, "%s%s (%s)%s",
						policy->name ? policy->name : "unknown",
						policy->roots == 2 ? " with two roots" : "",
						nmi_reason(policy), --left ? "," : "");
	}
	report_paragraph_end(&p);
}

void report_print_notes(const struct run_result *run, report_write_fn write)
{
	bool hidden = false, trap = false;

	for (u32 i = 0; i < run->nr_policies; i++) {
		const struct policy_result *policy = &run->policies[i];
		struct cpu_result all;

		cpu_results_sum(policy, CPUS_ALL, &all);
		hidden |= policy->ran && !all.canary_valid &&
			  (policy->roots == 2 || policy->never_stale);
		trap |= policy->never_stale;
	}
	if (hidden && trap)
		report_line(write, "Stale n/a: zone=trap flushes on the way out, so nothing can be "
				   "stale; Lost convicts");
	else if (hidden)
		report_line(write, "Stale n/a: with two roots each CR3 write hides a missing drain "
				   "from the canary; Lost convicts");
	print_nmi_loads(run, write);
}
