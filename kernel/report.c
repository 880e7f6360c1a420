/* SPDX-License-Identifier: MIT */
/*
 * The frame of the report: what was run on what, and what came out. A report is pasted into mails
 * without its context, so everything that decides its meaning is said in it.
 */
#include "kernel/report.h"

#include "arch/x86_64/string.h"
#include "kernel/format.h"
#include "kernel/result_words.h"

/* With so many the tables of each come unasked. */
#define FEW_POLICIES 2

static const char *or_unknown(const char *s)
{
	return s && s[0] ? s : "unknown";
}

static void print_features(struct report_paragraph *p, const struct machine_result *m, bool present)
{
	const struct {
		const char *name;
		bool present;
	} features[] = {
		{"nx", m->nx},
		{"pge", m->pge},
		{"smep", m->smep},
		{"smap", m->smap},
		{"umip", m->umip},
		{"fsgsbase", m->fsgsbase},
		{"pcid", m->pcid},
		{"invpcid", m->invpcid},
		{"invlpgb", m->invlpgb},
		{"x2apic", m->x2apic},
		{"la57", m->la57},
		{"pdpe1gb", m->pdpe1gb},
		{"rdpid", m->rdpid},
		{"tsc_deadline_timer", m->tsc_deadline_timer},
		{"invariant_tsc", m->invariant_tsc},
	};
	bool none = true;

	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		if (features[i].present == present) {
			report_paragraph_text(p, features[i].name);
			none = false;
		}
	if (none)
		report_paragraph_text(p, "nothing");
}

void report_print_machine(const struct machine_result *m, report_write_fn write)
{
	struct report_paragraph p;

	report_paragraph_begin(&p, write, "machine:");
	report_paragraph_format(&p, "%s (%s, microcode", or_unknown(m->cpu_brand),
				or_unknown(m->cpu_vendor));
	if (m->microcode)
		report_paragraph_format(&p, "0x%x),", m->microcode);
	else
		report_paragraph_text(&p, "unknown),");
	report_paragraph_format(&p, "%u of %u CPUs, %llu MiB, tsc %llu.%03llu MHz,",
				m->cpus_started, m->cpus_found,
				(unsigned long long)(m->memory_bytes >> 20),
				(unsigned long long)(m->tsc_khz / 1000),
				(unsigned long long)(m->tsc_khz % 1000));
	report_paragraph_format(&p, "firmware %s, loader %s", or_unknown(m->firmware),
				or_unknown(m->loader));
	report_paragraph_end(&p);

	report_paragraph_begin(&p, write, "features:");
	print_features(&p, m, true);
	report_paragraph_text(&p, "| absent:");
	print_features(&p, m, false);
	report_paragraph_end(&p);

	report_print_topology(m, write);
	report_print_tsc(m, write);
	if (m->emulated)
		report_line(write, "timing: emulated (%s) - counts valid, times not",
			    or_unknown(m->hypervisor));
	else if (m->hypervisor[0])
		report_line(write, "timing: under a hypervisor (%s) - HW gaps include its own",
			    m->hypervisor);
	else
		report_line(write, "timing: bare metal");
}

/* The stack of the running task: see exempt_stack() in task.c. */
static void print_zone(struct report_paragraph *p, const struct parameters_result *parameters)
{
	bool trap = parameters->zone && strcmp(parameters->zone, "trap") == 0;
	bool stale = parameters->zone && strcmp(parameters->zone, "stale") == 0;
	bool but = parameters->vmap_stack && (stale || (trap && parameters->stack_on_task));

	if (trap || stale)
		report_paragraph_format(p, "| zone %s%s", parameters->zone,
					but ? ", but for the running task's stack" : "");
}

static void print_parameters(const struct parameters_result *parameters, report_write_fn write)
{
	struct report_paragraph p;

	report_paragraph_begin(&p, write, "parameters:");
	report_paragraph_text(&p, parameters->cmdline && parameters->cmdline[0]
					  ? parameters->cmdline
					  : "none given");
	report_paragraph_format(&p, "| seed %llu, flush ceiling %u pages, lazy_max_pages %llu,",
				(unsigned long long)parameters->seed, parameters->flush_ceiling,
				(unsigned long long)parameters->lazy_max_pages);
	report_paragraph_format(&p, "debug_pagealloc %s, vmap_stack %s, stack %s",
				parameters->debug_pagealloc ? "on" : "off",
				parameters->vmap_stack ? "on" : "off",
				parameters->stack_on_task ? "task" : "entry");
	print_zone(&p, parameters);
	report_paragraph_end(&p);

	if (parameters->broken && parameters->broken[0]) {
		report_paragraph_begin(&p, write, "broken on purpose:");
		report_paragraph_text(&p, parameters->broken);
		report_paragraph_text(&p, "- this run cannot pass");
		report_paragraph_end(&p);
	}
}

static void print_reasons(const struct run_result *run, report_write_fn write)
{
	struct report_paragraph p;

	for (u32 i = 0; i < run->nr_policies; i++) {
		const struct policy_result *policy = &run->policies[i];

		if (!policy->reason[0])
			continue;
		report_paragraph_begin(&p, write, or_unknown(policy->name));
		report_paragraph_format(&p, "%s(%s):", policy->roots == 2 ? "with two roots " : "",
					policy_verdict_word(policy));
		report_paragraph_text(&p, policy->reason);
		report_paragraph_end(&p);
	}
	if (run->reason[0]) {
		report_paragraph_begin(&p, write, "run:");
		report_paragraph_text(&p, run->reason);
		report_paragraph_end(&p);
	}
}

/* verdict: fail (3 rows: 2 pass, 1 fail) */
static void print_verdict(const struct run_result *run, report_write_fn write)
{
	static const char *const words[] = {"pass", "fail", "error", "skip"};
	char parts[REPORT_COLUMNS] = "";
	size_t n = 0;

	for (size_t w = 0; w < ARRAY_SIZE(words); w++) {
		u32 count = 0;

		for (u32 i = 0; i < run->nr_policies; i++)
			count += !strcmp(policy_verdict_word(&run->policies[i]), words[w]);
		if (count)
			n += (size_t)snprintf(parts + n, sizeof(parts) - n, "%s%u %s",
					      n ? ", " : ": ", count, words[w]);
	}
	report_line(write, "verdict: %s (%u %s%s)", run_verdict_word(run->verdict),
		    run->nr_policies, run->nr_policies == 1 ? "row" : "rows", parts);
}

void report_print_head(const struct machine_result *machine,
		       const struct parameters_result *parameters, report_write_fn write)
{
	report_line(write, "%s", "");
	report_line(write, "Lateflush: kernel TLB flushes on isolated CPUs");
	report_print_machine(machine, write);
	print_parameters(parameters, write);
}

void report_print(const struct run_result *run, report_write_fn write)
{
	report_print_head(&run->machine, &run->parameters, write);
	for (u32 i = 0; i < run->nr_policies; i++)
		if (run->detail || run->nr_policies <= FEW_POLICIES)
			report_print_policy(&run->policies[i], write);
	report_print_comparison(run, write);
	print_reasons(run, write);
	print_verdict(run, write);
}
