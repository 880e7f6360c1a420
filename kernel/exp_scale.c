/* SPDX-License-Identifier: MIT */
/*
 * run=scale: how the initiator's cost of a purge grows with the number of isolated CPUs that sit in
 * ring 3, and by how many instructions a CPU. Exact, on any machine; times beside it mean something
 * on a real one only. nohz_full= says how many there are at most: `make scale` lets all but one.
 *
 * Parameters: pages=N of a purge (1), books=on|off as in run=purge (off).
 */
#include "kernel/console.h"
#include "kernel/format.h"
#include "kernel/purge_cost.h"
#include "kernel/report_lines.h"

static struct exp experiment;
static u32 steps[SLEEPER_STEPS];
static u32 nr_steps;

/* Thousandths of an instruction a CPU, between the fewest sleepers and the most. */
static u64 slope(const struct purge_cost *cost)
{
	u64 more = cost[nr_steps - 1].instructions - cost[0].instructions;
	u64 cpus = steps[nr_steps - 1] - steps[0];

	if (cost[nr_steps - 1].instructions < cost[0].instructions)
		return 0;
	return cpus ? more * 1000 / cpus : 0;
}

static void write_record(struct exp *e, const struct policy_row *row, u32 sleepers,
			 const struct purge_cost *cost)
{
	struct json *j = exp_record(e, "scale", row);

	json_u64(j, "isolated", sleepers);
	purge_cost_json(j, cost);
	exp_record_end(e);
}

static void run_row(struct exp *e, const struct policy_row *row, u64 pages, bool books)
{
	struct purge_cost cost[SLEEPER_STEPS];
	char line[REPORT_COLUMNS + 64];
	int n = snprintf(line, sizeof(line), "%-12s %5u", row->policy->name, exp_roots(row));
	struct json *j;

	for (u32 i = 0; i < nr_steps; i++) {
		sleepers_start(row, steps[i], e->setup->options->vmap_stack);
		cost[i] = purge_cost(pages, books);
		purge_cost_judge(e, row, steps[i], &cost[i]);
		write_record(e, row, steps[i], &cost[i]);
		sleepers_stop(e);
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%8lu", cost[i].instructions);
	}
	report_line(console_write, "%s %6lu.%02lu", line, slope(cost) / 1000,
		    slope(cost) % 1000 / 10);
	j = exp_record(e, "slope", row);
	json_u64(j, "cpus", steps[nr_steps - 1]);
	json_decimal(j, "instructions", slope(cost));
	exp_record_end(e);
}

static void print_head(void)
{
	char line[REPORT_COLUMNS + 64];
	int n = snprintf(line, sizeof(line), "%-12s %5s", "Policy", "Roots");

	report_line(console_write, "%s", "");
	report_line(console_write,
		    "scale: instructions of the initiator for one purge, by isolated "
		    "CPUs in ring 3");
	for (u32 i = 0; i < nr_steps; i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%8u", steps[i]);
	report_line(console_write, "%s %9s", line, "Slope");
}

enum ending run_scale(const struct setup *setup)
{
	static const char *const known[] = {"pages", "books", NULL};
	static const char *const off_on[] = {"off", "on", NULL};
	const struct run_spec *run = &setup->options->run;
	char err[OPTIONS_ERROR_MAX];
	u64 pages = 1;
	u32 books = 0;

	if (!run_only_knows(run, known, err, sizeof(err)) ||
	    !run_u64(run, "pages", 0, 65536, &pages, err, sizeof(err)) ||
	    !run_word(run, "books", off_on, &books, err, sizeof(err)))
		return refuse(err);
	if (sleepers_most() < 2)
		return refuse("run=scale needs 2 isolated CPUs or more");
	if (!exp_begin(&experiment, "scale", setup, DEFAULT_SOUND, err, sizeof(err)))
		return refuse(err);
	nr_steps = sleeper_steps(1, sleepers_most(), steps);
	print_head();
	for (u32 i = 0; i < experiment.nr_rows; i++)
		if (exp_can_run(&experiment, i))
			run_row(&experiment, &experiment.rows[i], pages, books);
	return exp_end(&experiment);
}
