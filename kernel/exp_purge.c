/* SPDX-License-Identifier: MIT */
/*
 * run=purge: what a purge costs its initiator, by policy, by the number of isolated CPUs that sit
 * in ring 3, and by the number of pages: instructions (exact), interrupts, cache lines of others
 * that it writes, and time, which means something on a real machine only.
 *
 * Parameters: pages=N (one size instead of all), books=on|off: with what the test bed writes down
 * around each question, or (default) without. Lines are counted without.
 */
#include "arch/x86_64/tlb.h"
#include "kernel/console.h"
#include "kernel/format.h"
#include "kernel/purge_cost.h"
#include "kernel/report_lines.h"

#define SIZES 6
#define CELL  20 /* columns of the table for each number of CPUs */

static struct exp experiment;

struct request {
	u64 pages[SIZES];
	u32 nr_pages;
	u32 books;
	u32 steps[SLEEPER_STEPS];
	u32 nr_steps;
};

static bool read_request(const struct run_spec *run, struct request *request, char *err,
			 size_t errlen)
{
	static const char *const known[] = {"pages", "books", NULL};
	static const char *const off_on[] = {"off", "on", NULL};
	u64 ceiling = tlb_single_page_flush_ceiling;
	u64 sizes[SIZES] = {1, 2, 8, ceiling, ceiling + 1, PURGE_EVERYTHING};
	u64 pages = 0;

	if (!ceiling)
		sizes[3] = 1;
	*request = (struct request){0};
	if (!run_only_knows(run, known, err, errlen) ||
	    !run_u64(run, "pages", 0, 65536, &pages, err, errlen) ||
	    !run_word(run, "books", off_on, &request->books, err, errlen))
		return false;
	for (u32 i = 0; i < SIZES; i++)
		request->pages[request->nr_pages++] = sizes[i];
	if (run_text(run, "pages")) {
		request->pages[0] = pages;
		request->nr_pages = 1;
	}
	request->nr_steps = sleeper_steps(0, sleepers_most(), request->steps);
	return true;
}

static void write_record(struct exp *e, const struct policy_row *row, u32 sleepers, u64 pages,
			 const struct purge_cost *cost)
{
	struct json *j = exp_record(e, "purge", row);

	json_u64(j, "isolated", sleepers);
	json_u64(j, "pages", pages);
	purge_cost_json(j, cost);
	if (cost->lines_known) {
		json_u64(j, "remote_lines", cost->remote_lines);
		json_u64(j, "shared_lines", cost->shared_lines);
	} else {
		json_null(j, "remote_lines");
		json_null(j, "shared_lines");
	}
	exp_record_end(e);
}

static const char *pages_text(u64 pages)
{
	static char text[24];

	if (pages == PURGE_EVERYTHING)
		return "all";
	snprintf(text, sizeof(text), "%lu", pages);
	return text;
}

static const char *cell_text(const struct purge_cost *cost)
{
	static char text[64];
	char lines[24] = "n/a";

	if (cost->lines_known)
		snprintf(lines, sizeof(lines), "%lu+%lu", cost->remote_lines, cost->shared_lines);
	snprintf(text, sizeof(text), "%8lu (%lu, %s)", cost->instructions, cost->ipis, lines);
	return text;
}

static void print_head(const struct request *request)
{
	char line[REPORT_COLUMNS + 1];
	int n = snprintf(line, sizeof(line), "%-12s %5s %5s", "Policy", "Roots", "Pages");

	report_line(console_write, "%s", "");
	report_line(console_write,
		    "purge: instructions of the initiator (IPIs, lines of other CPUs + shared "
		    "lines written),");
	report_line(console_write, "by isolated CPUs in ring 3");
	for (u32 i = 0; i < request->nr_steps; i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%8u%-*s", request->steps[i],
			      CELL - 8, "");
	report_line(console_write, "%s", line);
}

static void print_rows(const struct policy_row *row, const struct request *request,
		       struct purge_cost cost[SIZES][SLEEPER_STEPS])
{
	for (u32 p = 0; p < request->nr_pages; p++) {
		char line[REPORT_COLUMNS + 64];
		int n = snprintf(line, sizeof(line), "%-12s %5u %5s", row->policy->name,
				 exp_roots(row), pages_text(request->pages[p]));

		for (u32 s = 0; s < request->nr_steps && n < REPORT_COLUMNS; s++)
			n += snprintf(line + n, sizeof(line) - (size_t)n, "%-*s", CELL,
				      cell_text(&cost[p][s]));
		report_line(console_write, "%s", line);
	}
}

static void run_row(struct exp *e, const struct policy_row *row, const struct request *request)
{
	static struct purge_cost cost[SIZES][SLEEPER_STEPS];

	for (u32 s = 0; s < request->nr_steps; s++) {
		sleepers_start(row, request->steps[s], e->setup->options->vmap_stack);
		for (u32 p = 0; p < request->nr_pages; p++) {
			cost[p][s] = purge_cost(request->pages[p], request->books);
			purge_lines(request->pages[p], &cost[p][s]);
			purge_cost_judge(e, row, request->steps[s], &cost[p][s]);
			write_record(e, row, request->steps[s], request->pages[p], &cost[p][s]);
		}
		sleepers_stop(e);
	}
	print_rows(row, request, cost);
}

enum ending run_purge(const struct setup *setup)
{
	char err[OPTIONS_ERROR_MAX];
	struct request request;

	if (!read_request(&setup->options->run, &request, err, sizeof(err)) ||
	    !exp_begin(&experiment, "purge", setup, DEFAULT_SOUND, err, sizeof(err)))
		return refuse(err);
	print_head(&request);
	for (u32 i = 0; i < experiment.nr_rows; i++)
		if (exp_can_run(&experiment, i))
			run_row(&experiment, &experiment.rows[i], &request);
	return exp_end(&experiment);
}
