/* SPDX-License-Identifier: MIT */
/*
 * run=noise: what isolated CPUs feel of purges, told by themselves. Each runs the program spin,
 * which reads the TSC over and over and names the cause of every gap, while the boot CPU purges.
 * The table is in the shape of `rtla osnoise top`, the histogram in that of oslat: how many samples
 * took how long. Times mean something on a real machine only; what counts everywhere are the
 * causes: under a policy that defers no purge may be among them, under one that does not each must.
 *
 * Every policy by default, those with defects, too: these are in handlers and in what is stale, and
 * change nothing here.
 *
 * Parameters: purges=N (500), pages=N: each purge is of 1 to N pages (200).
 */
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smi.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/tsc.h"
#include "kernel/bench_counts.h"
#include "kernel/console.h"
#include "kernel/crew.h"
#include "kernel/exp.h"
#include "kernel/format.h"
#include "kernel/noise_table.h"
#include "kernel/random.h"
#include "kernel/report_lines.h"
#include "kernel/result_words.h"
#include "mm/vmalloc.h"

/* So many are told about while they are made: a minute under an emulator, with interrupts. */
#define PURGES_IN_ONE_GO 4000

static struct exp experiment;
static struct spin_report reports[MAX_CPUS];
static u64 smis[MAX_CPUS]; /* during the run; SMI_UNKNOWN */

struct request {
	u64 purges, pages;
};

/* What the senders and the CPU itself have booked, before the run and then of it. */
struct books {
	u64 deferred, requests, forced, raced;
	u64 tlbi_callbacks, entries;
};

static struct books books[MAX_CPUS];

static struct books read_books(unsigned int target)
{
	struct books sum = {
		.tlbi_callbacks = percpu(target)->irqs.flush_callbacks,
		.entries = READ_ONCE(user_page(target)->entries),
	};

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		const struct call_stats *stats = &percpu(cpu)->call_stats[target];

		sum.deferred += stats->deferred;
		sum.requests += stats->requests[CALL_FLUSH];
		sum.forced += stats->forced;
		sum.raced += stats->raced;
	}
	return sum;
}

static void read_smis_local(void *number)
{
	*(u64 *)number = smi_count_local();
}

static u64 read_smis(unsigned int cpu)
{
	u64 number;

	smp_call_function_single(cpu, CALL_OTHER, read_smis_local, &number);
	return number;
}

/* One purge of 1 to PAGES pages each, as a vfree() that somebody waits for makes it. */
static void make_purges(struct exp *e, const struct request *request)
{
	struct random random;

	random_init(&random, e->setup->options->seed, 0);
	for (u64 i = 0; i < request->purges; i++) {
		void *memory = vmalloc((1 + random_below(&random, request->pages)) * PAGE_SIZE);

		if (!memory) {
			exp_error(e, "memory is too short for purge %lu", i);
			return;
		}
		vfree(memory);
		vm_unmap_aliases();
		if (request->purges >= PURGES_IN_ONE_GO)
			exp_progress(e, i + 1, request->purges);
	}
}

static void write_buckets(struct exp *e, const struct policy_row *row, unsigned int cpu)
{
	for (u32 i = 0; i < SPIN_BUCKETS; i++) {
		struct json *j;

		if (!reports[cpu].buckets[i])
			continue;
		j = exp_record(e, "bucket", row);
		json_u64(j, "cpu", cpu);
		json_u64(j, "from_ns", i ? tsc_to_ns(1UL << i) : 0);
		json_u64(j, "count", reports[cpu].buckets[i]);
		exp_record_end(e);
	}
}

static u64 largest_ticks(const struct spin_report *report)
{
	u64 largest = report->machine.largest;

	for (u32 cause = 0; cause < ENTRY_CAUSES; cause++)
		largest = max(largest, report->by_cause[cause].largest);
	return largest;
}

static void write_cpu(struct exp *e, const struct policy_row *row, u64 flushes, unsigned int cpu)
{
	const struct spin_report *report = &reports[cpu];
	struct json *j = exp_record(e, "noise", row);

	json_u64(j, "cpu", cpu);
	json_u64(j, "purges", flushes);
	json_u64(j, "deferred", books[cpu].deferred);
	json_u64(j, "requests", books[cpu].requests);
	json_u64(j, "forced", books[cpu].forced);
	json_u64(j, "raced", books[cpu].raced);
	json_u64(j, "tlbi_callbacks", books[cpu].tlbi_callbacks);
	json_u64(j, "entries", books[cpu].entries);
	json_u64(j, "unexplained", report->unexplained);
	json_u64(j, "samples", report->samples);
	json_u64(j, "runtime_ns", tsc_to_ns(report->runtime));
	json_u64(j, "noise_ns", tsc_to_ns(report->noise));
	json_u64(j, "largest_ns", tsc_to_ns(largest_ticks(report)));
	json_u64(j, "machine", report->machine.count);
	for (u32 cause = 0; cause < ENTRY_CAUSES; cause++)
		json_u64(j, gap_cause_key(GAP_MACHINE + 1 + cause), report->by_cause[cause].count);
	if (smis[cpu] == SMI_UNKNOWN)
		json_null(j, "smi");
	else
		json_u64(j, "smi", smis[cpu]);
	exp_record_end(e);
}

/* What ring 3 saw, and what the books say beside it. */
static void add_to_table(unsigned int cpu)
{
	u64 interrupts = 0;

	for (u32 cause = 0; cause < ENTRY_CAUSES; cause++)
		if (cause != CAUSE_SYSCALL)
			interrupts += reports[cpu].by_cause[cause].count;
	noise_table_cpu(&(struct noise_counts){
		.deferred = books[cpu].deferred,
		.requests = books[cpu].requests,
		.callbacks = books[cpu].tlbi_callbacks,
		.interrupts = interrupts,
		.entries = books[cpu].entries - 1,
		.forced = books[cpu].forced,
	});
}

static void print_cpu(unsigned int cpu)
{
	const struct spin_report *r = &reports[cpu];
	u64 share = r->runtime ? (r->runtime - min(r->noise, r->runtime)) / (r->runtime / 10000 + 1)
			       : 0;
	char smi[24] = "n/a";

	if (smis[cpu] != SMI_UNKNOWN)
		snprintf(smi, sizeof(smi), "%lu", smis[cpu]);
	report_line(console_write,
		    "%3u %10lu %9lu %5lu.%02lu %9lu %7lu %5lu %5lu %5lu %5lu %5lu %5s %7lu", cpu,
		    tsc_to_ns(r->runtime) / 1000, tsc_to_ns(r->noise) / 1000, share / 100,
		    share % 100, tsc_to_ns(largest_ticks(r)) / 1000,
		    r->by_cause[CAUSE_FLUSH_IPI].count, r->by_cause[CAUSE_OTHER_IPI].count,
		    r->by_cause[CAUSE_TIMER].count, r->by_cause[CAUSE_NMI].count,
		    r->by_cause[CAUSE_EXCEPTION].count, r->machine.count, smi, books[cpu].deferred);
}

/* The last line of a histogram's range, so that only what was seen is printed. */
static void print_histogram(void)
{
	u32 shown = 0;

	for (u32 i = 0; i < SPIN_BUCKETS; i++) {
		char line[REPORT_COLUMNS + 64];
		int n = snprintf(line, sizeof(line),
				 "  from %12lu ns:", i ? tsc_to_ns(1UL << i) : 0);
		bool any = false;

		for (unsigned int cpu = 0; cpu < nr_online_cpus() && n < REPORT_COLUMNS; cpu++) {
			if (!cpu_is_isolated(cpu))
				continue;
			any |= reports[cpu].buckets[i] != 0;
			n += snprintf(line + n, sizeof(line) - (size_t)n, " %10lu",
				      reports[cpu].buckets[i]);
		}
		if (any && shown++ == 0)
			report_line(console_write, "histogram of samples, a column a CPU:");
		if (any)
			report_line(console_write, "%s", line);
	}
}

/*
 * One entry is the program's own end, which the books have and spin's last sample has not. A CPU
 * that was forced to flush may still be in the kernel when the next purge asks: then an IPI is
 * right (raced), at most one for each time that it was forced.
 */
static void judge_cpu(struct exp *e, const struct policy_row *row, u64 flushes, unsigned int cpu)
{
	const struct flush_policy *policy = row->policy;
	u64 seen = reports[cpu].by_cause[CAUSE_FLUSH_IPI].count;
	bool spares = policy->defers || policy->broadcast;
	u64 due = spares ? books[cpu].forced + books[cpu].raced : flushes;

	if (spares && books[cpu].raced > books[cpu].forced)
		exp_fail(e,
			 "%s, %s: CPU %u was taken for in the kernel %lu times, forced %lu times",
			 policy->name, exp_roots_text(row), cpu, books[cpu].raced,
			 books[cpu].forced);
	if (books[cpu].tlbi_callbacks != due || seen != due)
		exp_fail(e, "%s, %s: CPU %u ran %lu flush callbacks and saw %lu, not %lu",
			 policy->name, exp_roots_text(row), cpu, books[cpu].tlbi_callbacks, seen,
			 due);
	if (books[cpu].entries != due + 1)
		exp_fail(e, "%s, %s: CPU %u entered the kernel %lu times, not %lu", policy->name,
			 exp_roots_text(row), cpu, books[cpu].entries, due + 1);
	if (books[cpu].requests != due)
		exp_fail(e, "%s, %s: the initiator waited for CPU %u %lu times, not %lu",
			 policy->name, exp_roots_text(row), cpu, books[cpu].requests, due);
	if (reports[cpu].unexplained)
		exp_fail(e, "%s, %s: CPU %u saw %lu entries without a cause", policy->name,
			 exp_roots_text(row), cpu, reports[cpu].unexplained);
	if (reports[cpu].samples < 2)
		exp_error(e, "%s, %s: CPU %u took no samples", policy->name, exp_roots_text(row),
			  cpu);
}

static void run_row(struct exp *e, const struct policy_row *row, const struct request *request)
{
	const struct crew_config crew = {
		.program = "spin",
		.members = isolated_cpus,
		.vmap_stack = e->setup->options->vmap_stack,
		.reports = reports,
	};
	char err[sizeof(e->reason)] = "";
	u64 flushes;

	select_policy(row->policy, &row->mode);
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		smis[cpu] = cpu_is_isolated(cpu) ? read_smis(cpu) : SMI_UNKNOWN;
	crew_start(&crew);
	flushes = flushes_issued();
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		books[cpu] = read_books(cpu);
	make_purges(e, request);
	flushes = flushes_issued() - flushes;
	crew_finish(err, sizeof(err));
	if (err[0])
		exp_error(e, "%s", err);
	if (flushes < request->purges)
		exp_error(e, "%s: %lu purges made %lu flushes", row->policy->name, request->purges,
			  flushes);
	noise_table_row(row, flushes);
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		struct books now = read_books(cpu);

		if (!cpu_is_isolated(cpu))
			continue;
		if (smis[cpu] != SMI_UNKNOWN)
			smis[cpu] = read_smis(cpu) - smis[cpu];
		now.deferred -= books[cpu].deferred;
		now.requests -= books[cpu].requests;
		now.forced -= books[cpu].forced;
		now.raced -= books[cpu].raced;
		now.tlbi_callbacks -= books[cpu].tlbi_callbacks;
		now.entries -= books[cpu].entries;
		books[cpu] = now;
		judge_cpu(e, row, flushes, cpu);
		write_cpu(e, row, flushes, cpu);
		write_buckets(e, row, cpu);
		print_cpu(cpu);
		add_to_table(cpu);
	}
	crew_dismiss();
	if (e->nr_rows <= 2)
		print_histogram();
}

enum ending run_noise(const struct setup *setup)
{
	static const char *const known[] = {"purges", "pages", NULL};
	const struct run_spec *run = &setup->options->run;
	struct request request = {.purges = 500, .pages = 200};
	char err[OPTIONS_ERROR_MAX];

	if (!run_only_knows(run, known, err, sizeof(err)) ||
	    !run_u64(run, "purges", 1, 100000000, &request.purges, err, sizeof(err)) ||
	    !run_u64(run, "pages", 1, 1024, &request.pages, err, sizeof(err)) ||
	    !exp_begin(&experiment, "noise", setup, DEFAULT_ALL, err, sizeof(err)))
		return refuse(err);
	report_line(console_write, "%s", "");
	report_line(console_write, "Kernel TLBI Noise: %lu purges of 1 to %lu pages",
		    request.purges, request.pages);
	report_line(console_write, "%s",
		    "                     % CPU       Max |------------ gaps in ring 3, by cause "
		    "-----------|");
	report_line(
		console_write, "%s",
		"CPU Runtime/us  Noise/us    Avail Single/us    TLBI   IPI Timer   NMI Fault    "
		"HW   SMI Deferred");
	for (u32 i = 0; i < experiment.nr_rows; i++)
		if (exp_can_run(&experiment, i))
			run_row(&experiment, &experiment.rows[i], &request);
	noise_table_print();
	return exp_end(&experiment);
}
