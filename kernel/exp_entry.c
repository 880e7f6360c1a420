/* SPDX-License-Identifier: MIT */
/*
 * run=entry: kernel instructions of an isolated CPU's way in and out of ring 3, by policy: a null
 * system call, an interrupt of no meaning, and an NMI, each with nothing owed, with the flush of
 * one page owed, and with a flush of everything owed. Exact, by single-stepping
 * (arch/x86_64/step.h), in the zones of the sweep's doors; what the hardware itself does at an
 * interrupt, and what a flush costs after it, is not in it.
 *
 * The oracles' looks are in it: two comparisons with nothing owed, more behind a drain. `entry` and
 * `exit`, the zones in which the policy's hooks run, are free of them. No parameters.
 */
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/step.h"
#include "kernel/console.h"
#include "kernel/exp.h"
#include "kernel/format.h"
#include "kernel/report_lines.h"
#include "kernel/stepper.h"
#include "kernel/sweep_doors.h"
#include "mm/tlbflush.h"

/* Nothing is mapped there: see purge_cost.c. */
#define EMPTY_PAGES (VMALLOC_END - GIB(1))

#define TRIES 3 /* the last two have to be the same */

enum owed { OWED_NOTHING, OWED_RANGE, OWED_FULL, NR_OWED };

static const char *const owed_words[] = {"nothing", "range", "full"};

static struct door {
	const char *name;
	unsigned int vector;
	const struct sweep_door *sweep; /* the sweep's, for its zones */
} doors_tried[] = {
	{"syscall", VECTOR_SYSCALL, NULL},
	{"interrupt", VECTOR_TEST, NULL},
	{"nmi", VECTOR_NMI, NULL},
};

#define NR_DOORS 3

static struct exp experiment;
static struct stepper stepper;

static void find_doors(void)
{
	for (u32 d = 0; d < NR_DOORS; d++) {
		const struct sweep_door *found = sweep_doors;

		while (found->vector != doors_tried[d].vector) {
			BUG_ON(!found->name);
			found++;
		}
		doors_tried[d].sweep = found;
	}
}

static void go_through(const struct door *door)
{
	if (door->vector == VECTOR_SYSCALL) {
		step_begin(STEP_TARGET, STEP_NOWHERE);
		stepper_call(&stepper, STEP_TRACE_NULL);
	} else {
		step_begin_door(door->vector);
		stepper_call(&stepper, STEP_TRACE_DOOR);
	}
}

/* The CPU sits in ring 3 meanwhile. */
static void owe(enum owed owed)
{
	if (owed == OWED_RANGE)
		flush_tlb_kernel_range_deferrable(EMPTY_PAGES, EMPTY_PAGES + PAGE_SIZE);
	else if (owed == OWED_FULL)
		flush_tlb_kernel_range_deferrable(VMALLOC_START, TLB_FLUSH_ALL);
}

static u64 sum(const struct step_counts *counts)
{
	return counts->entry + counts->kernel + counts->exit;
}

/* False: it did not come out the same, or is longer than a trace. */
static bool count_door(const struct door *door, enum owed owed, struct step_counts *counts)
{
	struct step_route route = sweep_door_route(door->sweep);
	struct step_counts before = {0};

	route.begin = 0; /* no breakpoint: see step_begin_door() */
	step_set_route(STEP_TARGET, &route);
	for (u32 try = 0; try < TRIES; try++) {
		before = *counts;
		for (u32 i = 0; i < STEP_WARM_UP_CALLS; i++)
			stepper_call(&stepper, STEP_CALL_NULL);
		owe(owed);
		go_through(door);
		*counts = step_counts();
	}
	return counts->entry && counts->kernel && counts->exit && counts->entry == before.entry &&
	       counts->kernel == before.kernel && counts->exit == before.exit;
}

static void write_record(struct exp *e, const struct policy_row *row, const struct door *door,
			 enum owed owed, const struct step_counts *counts)
{
	struct json *j = exp_record(e, "entry", row);

	json_string(j, "door", door->name);
	json_string(j, "owed", owed_words[owed]);
	json_u64(j, "instructions", sum(counts));
	json_u64(j, "entry", counts->entry);
	json_u64(j, "kernel", counts->kernel);
	json_u64(j, "exit", counts->exit);
	exp_record_end(e);
}

static void run_row(struct exp *e, const struct policy_row *row, unsigned int cpu)
{
	char line[REPORT_COLUMNS + 64];
	int n = snprintf(line, sizeof(line), "%-14s %5u", row->policy->name, exp_roots(row));
	const char *error;

	select_policy(row->policy, &row->mode);
	error = stepper_start(&stepper, cpu, e->setup->options->vmap_stack);
	if (error) {
		exp_error(e, "no stepped program: %s", error);
		return;
	}
	for (u32 d = 0; d < NR_DOORS; d++) {
		for (enum owed owed = 0; owed < NR_OWED; owed++) {
			struct step_counts counts = {0};

			if (!count_door(&doors_tried[d], owed, &counts))
				exp_error(e, "%s, %s: %s with %s owed cannot be counted",
					  row->policy->name, exp_roots_text(row),
					  doors_tried[d].name, owed_words[owed]);
			write_record(e, row, &doors_tried[d], owed, &counts);
			n += snprintf(line + n, sizeof(line) - (size_t)n, "%8lu", sum(&counts));
		}
		n += snprintf(line + n, sizeof(line) - (size_t)n, "  ");
	}
	stepper_end(&stepper);
	report_line(console_write, "%s", line);
}

enum ending run_entry(const struct setup *setup)
{
	static const char *const known[] = {NULL};
	char err[OPTIONS_ERROR_MAX];
	unsigned int cpu = 0;

	if (!run_only_knows(&setup->options->run, known, err, sizeof(err)) ||
	    !exp_begin(&experiment, "entry", setup, DEFAULT_SOUND, err, sizeof(err)))
		return refuse(err);
	find_doors();
	while (!cpu_is_isolated(cpu))
		cpu++;
	report_line(console_write, "%s", "");
	report_line(console_write, "entry: kernel instructions there and back, CPU %u", cpu);
	report_line(console_write,
		    "%20s |------ syscall ------|  |----- interrupt -----|  "
		    "|-------- NMI --------|",
		    "");
	report_line(console_write,
		    "%-14s %5s nothing   range    full   nothing   range    full   "
		    "nothing   range    full",
		    "Policy", "Roots");
	for (u32 i = 0; i < experiment.nr_rows; i++)
		if (exp_can_run(&experiment, i))
			run_row(&experiment, &experiment.rows[i], cpu);
	return exp_end(&experiment);
}
