/* SPDX-License-Identifier: MIT */
/*
 * See trace_report.h. TSCs of different CPUs are compared as they are: where they do not run alike
 * the order of two CPUs' records means nothing, the order of one CPU's always does.
 */
#include "kernel/trace_report.h"

#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/tsc.h"
#include "kernel/trace_text.h"

#define LINE 320

u32 trace_show;

/* Where a record is. */
struct place {
	u32 cpu;
	u64 number;
};

static struct place newest[TRACE_SHOW_MOST];
static u64 cursor[MAX_CPUS]; /* records of a CPU that are not taken yet: [first_kept, cursor) */

static u64 first_kept(unsigned int cpu)
{
	u64 head = percpu(cpu)->trace.head;

	return head > trace_ring_size() ? head - trace_ring_size() : 0;
}

/* The newest record of CPU below its cursor that is whole; its cursor then points at it. */
static bool step_back(unsigned int cpu, struct trace_record *out)
{
	while (cursor[cpu] > first_kept(cpu))
		if (trace_read(cpu, --cursor[cpu], out))
			return true;
	return false;
}

/* Fills newest[] from its end; how many there are. Each CPU's best stays in `heads` meanwhile. */
static u32 find_newest(u32 most)
{
	static struct trace_record heads[MAX_CPUS];
	static bool has[MAX_CPUS];
	u32 found = 0;

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		cursor[cpu] = percpu(cpu)->trace.head;
		has[cpu] = step_back(cpu, &heads[cpu]);
	}
	while (found < most) {
		unsigned int best = MAX_CPUS;

		for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
			if (has[cpu] && (best == MAX_CPUS || heads[cpu].tsc > heads[best].tsc))
				best = cpu;
		if (best == MAX_CPUS)
			break;
		newest[TRACE_SHOW_MOST - ++found] = (struct place){best, cursor[best]};
		has[best] = step_back(best, &heads[best]);
	}
	return found;
}

struct trace_totals {
	u64 written, overwritten, broken;
};

/* Broken: left unfinished by a CPU that was stopped, or that an NMI wrote over. */
static struct trace_totals totals_of(unsigned int cpu)
{
	struct trace_totals totals = {percpu(cpu)->trace.head, first_kept(cpu), 0};
	struct trace_record record;

	for (u64 number = totals.overwritten; number < totals.written; number++)
		totals.broken += !trace_read(cpu, number, &record);
	return totals;
}

static void write_line(json_write_fn write, struct text *text)
{
	text_add(text, "\n");
	write(text->buf, min(text->used, text->size - 1));
}

static void write_head(json_write_fn write, u32 shown)
{
	struct trace_totals sum = {0};
	char buf[LINE];
	struct text text = text_in(buf, sizeof(buf));

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		struct trace_totals totals = totals_of(cpu);

		sum.written += totals.written;
		sum.overwritten += totals.overwritten;
		sum.broken += totals.broken;
	}
	text_add(&text,
		 "\n# tracer: lateflush\n# entries-in-buffer/entries-written: %lu/%lu   #P:%u",
		 sum.written - sum.overwritten - sum.broken, sum.written, nr_online_cpus());
	write_line(write, &text);
	text = text_in(buf, sizeof(buf));
	text_add(&text, "# overwritten: %lu, not whole: %lu, shown: the newest %u", sum.overwritten,
		 sum.broken, shown);
	write_line(write, &text);
	text = text_in(buf, sizeof(buf));
	text_add(&text, "# TASK   CPU#  TIMESTAMP   FUNCTION");
	write_line(write, &text);
}

static void write_record(json_write_fn write, u32 cpu, const struct trace_record *record)
{
	u64 ns = tsc_to_ns(record->tsc);
	char buf[LINE];
	struct text text = text_in(buf, sizeof(buf));

	text_add(&text, "%4s-%-2u [%03u] %3lu.%06lu: %s: ", cpu_is_isolated(cpu) ? "iso" : "hk",
		 cpu, cpu, ns / 1000000000, ns / 1000 % 1000000, trace_event_name(record->event));
	text_add_record(&text, record);
	write_line(write, &text);
}

void trace_report(json_write_fn write)
{
	struct trace_record record;
	u32 shown;

	if (!trace_ring_size())
		return;
	trace_stop();
	shown = find_newest(trace_show);
	write_head(write, shown);
	for (u32 i = TRACE_SHOW_MOST - shown; i < TRACE_SHOW_MOST; i++)
		if (trace_read(newest[i].cpu, newest[i].number, &record))
			write_record(write, newest[i].cpu, &record);
}

/* One record: time, event, its numbers, and in words what they say. */
static void export_record(json_write_fn write, u32 cpu, const struct trace_record *record)
{
	char buf[LINE];
	struct text text = text_in(buf, sizeof(buf));

	text_add(&text, "@trace r %u %lu %s %u", cpu, record->tsc, trace_event_name(record->event),
		 record->other);
	for (u32 i = 0; i < TRACE_ARGS; i++)
		text_add(&text, " %lx", record->arg[i]);
	text_add(&text, " ");
	text_add_record(&text, record);
	write_line(write, &text);
}

static void export_cpu(json_write_fn write, u32 cpu)
{
	struct trace_totals totals = totals_of(cpu);
	struct trace_record record;
	char buf[LINE];
	struct text text = text_in(buf, sizeof(buf));

	text_add(&text, "@trace cpu %u %s %lu %lu %lu", cpu, cpu_is_isolated(cpu) ? "iso" : "hk",
		 totals.written, totals.overwritten, totals.broken);
	for (u32 event = 0; event < TRACE_EVENTS; event++)
		text_add(&text, " %s=%lu", trace_event_name(event),
			 percpu(cpu)->trace.count[event]);
	write_line(write, &text);
	for (u64 number = totals.overwritten; number < totals.written; number++)
		if (trace_read(cpu, number, &record))
			export_record(write, cpu, &record);
}

void trace_export(json_write_fn write)
{
	char buf[LINE];
	struct text text = text_in(buf, sizeof(buf));

	if (!trace_ring_size())
		return;
	text_add(&text, "\n@trace begin 1 %lu %u", tsc_khz, nr_online_cpus());
	write_line(write, &text);
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		export_cpu(write, cpu);
	text = text_in(buf, sizeof(buf));
	text_add(&text, "@trace end");
	write_line(write, &text);
}
