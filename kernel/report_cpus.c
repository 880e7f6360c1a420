/* SPDX-License-Identifier: MIT */
/*
 * The report's lines about the CPUs: threads of one core, types of cores, TSCs.
 */
#include "arch/x86_64/string.h"
#include "kernel/format.h"
#include "kernel/report.h"

#define THREADS_NAMED 8 /* beside the first */

/* The core that CPU I is the first of, if it has several threads: "0+4". */
static bool format_core(const struct machine_result *m, u32 i, char *text, size_t size)
{
	const struct place_result *cpus = m->topology;
	size_t n = (size_t)snprintf(text, size, "%u", cpus[i].cpu);
	u32 named = 0;

	for (u32 k = 0; k < i; k++)
		if (cpus[k].core == cpus[i].core)
			return false;
	for (u32 k = i + 1; k < m->nr_topology; k++) {
		if (cpus[k].core != cpus[i].core)
			continue;
		if (named++ < THREADS_NAMED)
			n += (size_t)snprintf(text + n, size - n, "+%u", cpus[k].cpu);
	}
	if (named > THREADS_NAMED)
		snprintf(text + n, size - n, "+%u more", named - THREADS_NAMED);
	return named;
}

static void print_cores(struct report_paragraph *p, const struct machine_result *m)
{
	char text[64];
	bool any = false;

	for (u32 i = 0; i < m->nr_topology; i++) {
		if (!format_core(m, i, text, sizeof(text)))
			continue;
		if (!any)
			report_paragraph_text(p, "| threads of one core:");
		report_paragraph_text(p, text);
		any = true;
	}
}

static bool same_type(const struct place_result *cpu, const char *type)
{
	return cpu->type && strcmp(cpu->type, type) == 0;
}

/* The CPUs of TYPE: "core 0-7,16". */
static void print_type(struct report_paragraph *p, const struct machine_result *m, const char *type)
{
	const struct place_result *cpus = m->topology;
	bool any = false;

	for (u32 i = 0; i < m->nr_topology; i++) {
		u32 last = i;

		if (!same_type(&cpus[i], type))
			continue;
		while (last + 1 < m->nr_topology && same_type(&cpus[last + 1], type))
			last++;
		if (!any)
			report_paragraph_format(p, "| %s:", type);
		if (last > i)
			report_paragraph_format(p, "%u-%u", cpus[i].cpu, cpus[last].cpu);
		else
			report_paragraph_format(p, "%u", cpus[i].cpu);
		any = true;
		i = last;
	}
}

void report_print_topology(const struct machine_result *m, report_write_fn write)
{
	struct report_paragraph p;

	if (!m->topology)
		return;
	report_paragraph_begin(&p, write, "topology:");
	report_paragraph_format(&p, "%u CPUs", m->nr_topology);
	print_cores(&p, m);
	print_type(&p, m, "core");
	print_type(&p, m, "atom");
	report_paragraph_end(&p);
}

void report_print_tsc(const struct machine_result *m, report_write_fn write)
{
	struct report_paragraph p;

	if (!m->tsc_readings && !m->tsc_unfinished)
		return;
	report_paragraph_begin(&p, write, "TSC:");
	report_paragraph_format(&p,
				"%llu readings in turns by CPU 0 and each other, %llu backwards",
				(unsigned long long)m->tsc_readings,
				(unsigned long long)m->tsc_backwards);
	if (m->tsc_backwards)
		report_paragraph_format(&p, "(by %llu ticks at most)",
					(unsigned long long)m->tsc_largest_backwards);
	if (m->tsc_unfinished)
		report_paragraph_format(&p, "| %u of the CPUs did not end", m->tsc_unfinished);
	if (m->emulated)
		report_paragraph_text(&p, "| emulated: means nothing");
	report_paragraph_end(&p);
}
