/* SPDX-License-Identifier: MIT */
/*
 * The machine form of a result. Fields go by tables of names and places, one line a field, in the
 * order of kernel/result.h. What could not be measured is null.
 */
#include "kernel/report_json.h"

#include "kernel/result_findings.h"
#include "kernel/result_words.h"

#define SCHEMA_VERSION 1

/* A CPU with its gaps is one line of text; everything above it gets lines of its own. */
#define LINE_DEPTH 4

/* TEXT is an array within the struct, POINTER a text elsewhere. */
enum field_kind { FIELD_U32, FIELD_U64, FIELD_BOOL, FIELD_TEXT, FIELD_POINTER };

struct field {
	size_t offset;
	enum field_kind kind;
	const char *name;
};

#define KIND_OF(x)                                                                                 \
	_Generic((x), u32 : FIELD_U32, u64 : FIELD_U64, bool : FIELD_BOOL,                         \
		 char * : FIELD_TEXT, const char * : FIELD_POINTER)

/* A field of struct S by its name; how it is written follows from its type. */
#define FIELD(s, f) offsetof(struct s, f), KIND_OF(((struct s *)0)->f), #f

static const struct field machine_fields[] = {
	{FIELD(machine_result, cpu_vendor)},
	{FIELD(machine_result, cpu_brand)},
	{FIELD(machine_result, hypervisor)},
	{FIELD(machine_result, emulated)},
	{FIELD(machine_result, firmware)},
	{FIELD(machine_result, loader)},
	{FIELD(machine_result, cpus_found)},
	{FIELD(machine_result, cpus_started)},
	{FIELD(machine_result, cpus_failed)},
	{FIELD(machine_result, memory_bytes)},
	{FIELD(machine_result, tsc_khz)},
	{FIELD(machine_result, x2apic)},
	{FIELD(machine_result, pcid)},
	{FIELD(machine_result, invpcid)},
	{FIELD(machine_result, pge)},
	{FIELD(machine_result, nx)},
	{FIELD(machine_result, smep)},
	{FIELD(machine_result, smap)},
	{FIELD(machine_result, umip)},
	{FIELD(machine_result, fsgsbase)},
	{FIELD(machine_result, invlpgb)},
	{FIELD(machine_result, la57)},
	{FIELD(machine_result, pdpe1gb)},
	{FIELD(machine_result, rdpid)},
	{FIELD(machine_result, tsc_deadline_timer)},
	{FIELD(machine_result, invariant_tsc)},
	{FIELD(machine_result, tsc_readings)},
	{FIELD(machine_result, tsc_backwards)},
	{FIELD(machine_result, tsc_largest_backwards)},
	{FIELD(machine_result, tsc_unfinished)},
};

static const struct field place_fields[] = {
	{FIELD(place_result, cpu)},
	{FIELD(place_result, apic_id)},
	{FIELD(place_result, core)},
};

static const struct field parameter_fields[] = {
	{FIELD(parameters_result, cmdline)},
	{FIELD(parameters_result, broken)},
	{FIELD(parameters_result, seed)},
	{FIELD(parameters_result, flush_ceiling)},
	{FIELD(parameters_result, lazy_max_pages)},
	{FIELD(parameters_result, zone)},
	{FIELD(parameters_result, debug_pagealloc)},
	{FIELD(parameters_result, vmap_stack)},
	{FIELD(parameters_result, stack_on_task)},
};

static const struct field claim_fields[] = {
	{FIELD(claim_result, id)},
	{FIELD(claim_result, context)},
	{FIELD(claim_result, effect)},
};

static const struct field kind_fields[] = {
	{FIELD(policy_result, defers)},	     {FIELD(policy_result, eager)},
	{FIELD(policy_result, broadcast)},   {FIELD(policy_result, ran)},
	{FIELD(policy_result, nmi_load)},    {FIELD(policy_result, stale_copy)},
	{FIELD(policy_result, never_stale)},
};

/* syscall_instructions is written apart: it may be null. */
static const struct field policy_fields[] = {
	{FIELD(policy_result, flushes)},      {FIELD(policy_result, phase2_flushes)},
	{FIELD(policy_result, full_flushes)}, {FIELD(policy_result, ranged_flushes)},
	{FIELD(policy_result, held_pages)},   {FIELD(policy_result, operations)},
	{FIELD(policy_result, allocations)},  {FIELD(policy_result, allocation_failures)},
	{FIELD(policy_result, corrupted)},
};

/* stale, nmi_stale and gaps are written apart: they may be null. */
static const struct field cpu_fields[] = {
	{FIELD(cpu_result, cpu)},
	{FIELD(cpu_result, apic_id)},
	{FIELD(cpu_result, isolated)},
	{FIELD(cpu_result, tlbi_ipis)},
	{FIELD(cpu_result, tlbi_callbacks)},
	{FIELD(cpu_result, kernel_entries)},
	{FIELD(cpu_result, deferred)},
	{FIELD(cpu_result, drained)},
	{FIELD(cpu_result, raced_ipis)},
	{FIELD(cpu_result, phase2_callbacks)},
	{FIELD(cpu_result, phase2_entries)},
	{FIELD(cpu_result, phase2_deferred)},
	{FIELD(cpu_result, phase2_drained)},
	{FIELD(cpu_result, deferrable_ipis)},
	{FIELD(cpu_result, other_irqs)},
	{FIELD(cpu_result, nmis)},
	{FIELD(cpu_result, nmis_sent)},
	{FIELD(cpu_result, owed_entries)},
	{FIELD(cpu_result, spurious_drains)},
	{FIELD(cpu_result, flush_all)},
	{FIELD(cpu_result, flush_one)},
	{FIELD(cpu_result, sent_callbacks)},
	{FIELD(cpu_result, sent_ipis)},
	{FIELD(cpu_result, sent_coalesced)},
	{FIELD(cpu_result, received_callbacks)},
	{FIELD(cpu_result, received_ipis)},
	{FIELD(cpu_result, warm)},
	{FIELD(cpu_result, canary_checks)},
	{FIELD(cpu_result, nmi_checks)},
	{FIELD(cpu_result, canary_valid)},
	{FIELD(cpu_result, lost)},
	{FIELD(cpu_result, lost_in_nmi)},
	{FIELD(cpu_result, unexplained)},
	{FIELD(cpu_result, has_gaps)},
};

static const struct field gap_fields[] = {
	{FIELD(gap_result, count)},
	{FIELD(gap_result, largest_ns)},
};

static void write_fields(struct json *j, const void *from, const struct field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *at = (const char *)from + fields[i].offset;

		switch (fields[i].kind) {
		case FIELD_U32:
			json_u64(j, fields[i].name, *(const u32 *)at);
			break;
		case FIELD_U64:
			json_u64(j, fields[i].name, *(const u64 *)at);
			break;
		case FIELD_BOOL:
			json_bool(j, fields[i].name, *(const bool *)at);
			break;
		case FIELD_TEXT:
			json_string(j, fields[i].name, at);
			break;
		case FIELD_POINTER:
			json_string(j, fields[i].name, *(const char *const *)at);
			break;
		}
	}
}

static void write_object(struct json *j, const char *key, const void *from,
			 const struct field *fields, size_t n)
{
	json_object_begin(j, key);
	write_fields(j, from, fields, n);
	json_object_end(j);
}

static void number_or_null(struct json *j, const char *key, bool known, u64 number)
{
	if (known)
		json_u64(j, key, number);
	else
		json_null(j, key);
}

static void write_topology(struct json *j, const struct machine_result *m)
{
	if (!m->topology) {
		json_null(j, "topology");
		return;
	}
	json_array_begin(j, "topology");
	for (u32 i = 0; i < m->nr_topology; i++) {
		json_object_begin(j, NULL);
		write_fields(j, &m->topology[i], place_fields, ARRAY_SIZE(place_fields));
		if (m->topology[i].type)
			json_string(j, "type", m->topology[i].type);
		else
			json_null(j, "type");
		json_object_end(j);
	}
	json_array_end(j);
}

/* microcode and topology are written apart: they may be null. */
static void write_machine(struct json *j, const struct machine_result *m)
{
	json_object_begin(j, "machine");
	write_fields(j, m, machine_fields, ARRAY_SIZE(machine_fields));
	number_or_null(j, "microcode", m->microcode, m->microcode);
	write_topology(j, m);
	json_object_end(j);
}

static void write_cpu(struct json *j, const struct cpu_result *cpu)
{
	json_object_begin(j, NULL);
	write_fields(j, cpu, cpu_fields, ARRAY_SIZE(cpu_fields));
	number_or_null(j, "stale", cpu->canary_valid, cpu->stale);
	number_or_null(j, "nmi_stale", cpu->canary_valid, cpu->nmi_stale);
	if (cpu->has_gaps) {
		json_object_begin(j, "gaps");
		for (enum gap_cause cause = 0; cause < GAP_CAUSES; cause++)
			write_object(j, gap_cause_key(cause), &cpu->gaps[cause], gap_fields,
				     ARRAY_SIZE(gap_fields));
		json_object_end(j);
	} else {
		json_null(j, "gaps");
	}
	json_object_end(j);
}

/* What the oracles found, each with the claim that covers it. */
static void write_findings(struct json *j, const struct policy_result *policy)
{
	u64 found[FINDINGS];

	policy_findings(policy, found);
	json_array_begin(j, "findings");
	for (enum finding f = 0; f < FINDINGS; f++) {
		const struct claim_result *claim = claim_of(policy, f);

		if (!found[f])
			continue;
		json_object_begin(j, NULL);
		json_string(j, "context", finding_context(f));
		json_string(j, "effect", finding_effect(f));
		json_u64(j, "count", found[f]);
		if (claim)
			json_string(j, "claim", claim->id);
		else
			json_null(j, "claim");
		json_object_end(j);
	}
	json_array_end(j);
}

static void write_policy(struct json *j, const struct policy_result *policy)
{
	json_object_begin(j, NULL);
	json_string(j, "name", policy->name);
	json_string(j, "lineage", policy->lineage);
	json_u64(j, "roots", policy->roots);
	json_array_begin(j, "claims");
	for (u32 i = 0; i < policy->nr_claims; i++)
		write_object(j, NULL, &policy->claims[i], claim_fields, ARRAY_SIZE(claim_fields));
	json_array_end(j);
	write_fields(j, policy, kind_fields, ARRAY_SIZE(kind_fields));
	json_string(j, "verdict", policy_verdict_word(policy));
	json_string(j, "reason", policy->reason);
	write_findings(j, policy);
	write_fields(j, policy, policy_fields, ARRAY_SIZE(policy_fields));
	number_or_null(j, "syscall_instructions", policy->syscall_instructions,
		       policy->syscall_instructions);
	json_array_begin(j, "cpus");
	for (u32 i = 0; i < policy->nr_cpus; i++)
		write_cpu(j, &policy->cpus[i]);
	json_array_end(j);
	json_object_end(j);
}

void report_json_head(struct json *j, const struct machine_result *machine,
		      const struct parameters_result *parameters)
{
	json_u64(j, "schema", SCHEMA_VERSION);
	write_machine(j, machine);
	write_object(j, "parameters", parameters, parameter_fields, ARRAY_SIZE(parameter_fields));
}

const char *report_json(const struct run_result *run, json_write_fn write)
{
	struct json j;

	json_begin(&j, write, LINE_DEPTH);
	json_object_begin(&j, NULL);
	report_json_head(&j, &run->machine, &run->parameters);
	json_string(&j, "verdict", run_verdict_word(run->verdict));
	json_string(&j, "reason", run->reason);
	json_array_begin(&j, "policies");
	for (u32 i = 0; i < run->nr_policies; i++)
		write_policy(&j, &run->policies[i]);
	json_array_end(&j);
	json_object_end(&j);
	return json_finish(&j);
}
