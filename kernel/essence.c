/* SPDX-License-Identifier: MIT */
/*
 * See essence.h. tools/qr.py has the same list of fields; a test compares what it makes of them
 * with run.json.
 */
#include "kernel/essence.h"

#include "arch/x86_64/string.h"
#include "kernel/parse.h"
#include "kernel/result_words.h"

#define CMDLINE_MAX 160

#define SUM(field) offsetof(struct cpu_result, field)

static const size_t sums[] = {
	SUM(tlbi_ipis),
	SUM(tlbi_callbacks),
	SUM(deferred),
	SUM(drained),
	SUM(kernel_entries),
	SUM(raced_ipis),
	SUM(phase2_entries),
	SUM(deferrable_ipis),
	SUM(owed_entries),
	SUM(flush_all),
	SUM(flush_one),
	SUM(other_irqs),
	SUM(nmis),
	SUM(warm),
	SUM(lost),
	SUM(lost_in_nmi),
	SUM(spurious_drains),
	SUM(unexplained),
};

static void add_number(struct text *text, u64 number)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char buf[14];
	size_t at = sizeof(buf) - 1;

	buf[at] = '\0';
	do {
		buf[--at] = digits[number % 36];
		number /= 36;
	} while (number);
	text_add(text, ":%s", buf + at);
}

static void add_upper(struct text *text, const char *s)
{
	for (; *s; s++)
		text_add(text, "%c", *s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' : *s);
}

/* The first letter of "pass", "fail", "error", "skip". */
static char verdict_letter(const char *word)
{
	return (char)(word[0] - 'a' + 'A');
}

static u64 sum_of(const struct policy_result *policy, size_t offset)
{
	u64 sum = 0;

	for (u32 i = 0; i < policy->nr_cpus; i++)
		if (policy->cpus[i].isolated)
			sum += *(const u64 *)((const char *)&policy->cpus[i] + offset);
	return sum;
}

/* Null as soon as one isolated CPU's canary cannot convict. */
static void add_stale(struct text *text, const struct policy_result *policy)
{
	bool valid = true;

	for (u32 i = 0; i < policy->nr_cpus; i++)
		valid = valid && (!policy->cpus[i].isolated || policy->cpus[i].canary_valid);
	if (!valid) {
		text_add(text, ":-:-");
		return;
	}
	add_number(text, sum_of(policy, offsetof(struct cpu_result, stale)));
	add_number(text, sum_of(policy, offsetof(struct cpu_result, nmi_stale)));
}

static void add_row(struct text *text, const struct policy_result *policy)
{
	u64 isolated = 0;

	for (u32 i = 0; i < policy->nr_cpus; i++)
		isolated += policy->cpus[i].isolated;
	text_add(text, "/");
	add_upper(text, policy->name);
	text_add(text, ":%u:%c", policy->roots, verdict_letter(policy_verdict_word(policy)));
	if (!policy->ran)
		return;
	add_number(text, policy->flushes);
	add_number(text, policy->phase2_flushes);
	add_number(text, policy->held_pages);
	add_number(text, policy->syscall_instructions);
	add_number(text, isolated);
	add_stale(text, policy);
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++)
		add_number(text, sum_of(policy, sums[i]));
}

static void add_features(struct text *text, const struct machine_result *m)
{
	const struct {
		const char *name;
		bool has;
	} features[] = {
		{"x2apic", m->x2apic},	 {"pcid", m->pcid}, {"invpcid", m->invpcid},
		{"pge", m->pge},	 {"nx", m->nx},	    {"smep", m->smep},
		{"smap", m->smap},	 {"umip", m->umip}, {"fsgsbase", m->fsgsbase},
		{"invlpgb", m->invlpgb},
	};
	bool first = true;

	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		if (!features[i].has)
			continue;
		text_add(text, "%s%s", first ? "" : ",", features[i].name);
		first = false;
	}
	text_add(text, "%s\n", first ? "none" : "");
}

bool essence_make(const struct run_result *run, struct essence *out)
{
	const struct machine_result *m = &run->machine;
	struct text head = text_in(out->head, sizeof(out->head));
	struct text rows = text_in(out->rows, sizeof(out->rows));
	const char *cmdline = run->parameters.cmdline ? run->parameters.cmdline : "";

	text_add(&head, "LATEFLUSH/1\n%s\n%s %s %u/%u %lu %lu ", m->cpu_brand,
		 m->hypervisor[0] ? m->hypervisor : "none", m->firmware, m->cpus_started,
		 m->cpus_found, m->memory_bytes >> 20, m->tsc_khz);
	add_features(&head, m);
	if (strlen(cmdline) > CMDLINE_MAX)
		text_add(&head, "%.*s...\n", CMDLINE_MAX, cmdline);
	else
		text_add(&head, "%s\n", cmdline);
	text_add(&rows, "%c", verdict_letter(run_verdict_word(run->verdict)));
	for (u32 i = 0; i < run->nr_policies; i++)
		add_row(&rows, &run->policies[i]);
	text_add(&rows, "/$%u", run->nr_policies);
	return head.used + 1 < head.size && rows.used + 1 < rows.size;
}
