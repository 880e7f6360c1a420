/* SPDX-License-Identifier: MIT */
/*
 * run=hold: what a policy that holds purged memory back (quarantine) holds, while its isolated CPUs
 * are silent in ring 3, against the number of purges that they sleep through and their size: pages
 * of address space and frames, and how often the laggards had to be interrupted because it was too
 * much. When they have entered, all must be free again.
 *
 * Parameters: purges=N to sleep through, at most (256), pages=N of the largest purge (64).
 */
#include "arch/x86_64/cpumask.h"
#include "kernel/console.h"
#include "kernel/crew.h"
#include "kernel/exp.h"
#include "kernel/report_lines.h"
#include "mm/tlbflush.h"
#include "mm/vmalloc.h"

#define SIZES_APART 8 /* from one size of purge to the next */

static struct exp experiment;

struct request {
	u64 purges, pages;
};

static void report(struct exp *e, const struct policy_row *row, u64 pages, u64 purges, u64 forced,
		   bool awake)
{
	struct vmalloc_stats stats = vmalloc_stats();
	struct json *j = exp_record(e, "hold", row);

	json_u64(j, "pages", pages);
	json_u64(j, "purges", purges);
	json_bool(j, "awake", awake);
	json_u64(j, "held_pages", stats.held_pages);
	json_u64(j, "held_frames", stats.held_frames);
	json_u64(j, "held_batches", stats.held_batches);
	json_u64(j, "forced", forced);
	exp_record_end(e);
	report_line(console_write, "%-12s %5u %6lu %8lu %12lu %12lu %8lu %8lu%s", row->policy->name,
		    exp_roots(row), pages, purges, stats.held_pages, stats.held_frames,
		    stats.held_batches, forced, awake ? "  (awake)" : "");
	if (awake && (stats.held_pages || stats.held_frames))
		exp_fail(e, "%s, %s: %lu pages and %lu frames are held though nobody lags",
			 row->policy->name, exp_roots_text(row), stats.held_pages,
			 stats.held_frames);
}

/* The areas are as many as purges, and none has a neighbour that could be purged with it. */
static bool purge_one(u64 pages)
{
	void *memory = vmalloc(pages * PAGE_SIZE);

	vfree(memory);
	vm_unmap_aliases();
	return memory;
}

static void run_size(struct exp *e, const struct policy_row *row, const struct request *request,
		     u64 pages)
{
	const struct crew_config crew = {
		.program = "stay", .members = isolated_cpus, .vmap_stack = false};
	char err[sizeof(e->reason)] = "";
	u64 forced = flush_totals().forced;

	crew_start(&crew);
	for (u64 purges = 1; purges <= request->purges; purges++) {
		if (!purge_one(pages)) {
			exp_error(e, "memory is too short for purges of %lu pages", pages);
			break;
		}
		if ((purges & (purges - 1)) == 0 || purges == request->purges)
			report(e, row, pages, purges, flush_totals().forced - forced, false);
	}
	crew_finish(err, sizeof(err));
	if (err[0])
		exp_error(e, "%s", err);
	crew_dismiss();
	vm_unmap_aliases();
	report(e, row, pages, request->purges, flush_totals().forced - forced, true);
}

static void run_row(struct exp *e, const struct policy_row *row, const struct request *request)
{
	select_policy(row->policy, &row->mode);
	for (u64 pages = 1; pages < request->pages; pages *= SIZES_APART)
		run_size(e, row, request, pages);
	run_size(e, row, request, request->pages);
	vmalloc_release_all_held();
}

enum ending run_hold(const struct setup *setup)
{
	static const char *const known[] = {"purges", "pages", NULL};
	const struct run_spec *run = &setup->options->run;
	struct request request = {.purges = 256, .pages = 64};
	char err[OPTIONS_ERROR_MAX];

	if (!run_only_knows(run, known, err, sizeof(err)) ||
	    !run_u64(run, "purges", 1, 1000000, &request.purges, err, sizeof(err)) ||
	    !run_u64(run, "pages", 1, 4096, &request.pages, err, sizeof(err)) ||
	    !exp_begin(&experiment, "hold", setup, DEFAULT_SOUND, err, sizeof(err)))
		return refuse(err);
	report_line(console_write, "%s", "");
	report_line(console_write,
		    "hold: memory and addresses held while isolated CPUs sleep through purges");
	report_line(console_write, "%-12s %5s %6s %8s %12s %12s %8s %8s", "Policy", "Roots",
		    "Pages", "Purges", "Held/pages", "Frames", "Batches", "Forced");
	for (u32 i = 0; i < experiment.nr_rows; i++)
		if (experiment.rows[i].policy->lags && exp_can_run(&experiment, i))
			run_row(&experiment, &experiment.rows[i], &request);
	return exp_end(&experiment);
}
