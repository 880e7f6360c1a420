/* SPDX-License-Identifier: MIT */
/*
 * Sample results; see sample_result.h. The figures are made up, but such as runs give.
 */
#include "tests/host/sample_result.h"

#include <stdlib.h>
#include <string.h>

#define MAX_POLICIES 26
#define MAX_CPUS     256

static void *zeroed(size_t bytes)
{
	void *memory = calloc(1, bytes);

	if (!memory)
		abort();
	return memory;
}

static struct run_result *new_run(u32 nr_policies, u32 nr_cpus)
{
	struct run_result *run = zeroed(sizeof(*run));

	run->policies = zeroed(MAX_POLICIES * sizeof(*run->policies));
	run->nr_policies = nr_policies;
	for (u32 i = 0; i < MAX_POLICIES; i++) {
		run->policies[i].cpus = zeroed(MAX_CPUS * sizeof(struct cpu_result));
		run->policies[i].nr_cpus = nr_cpus;
		for (u32 c = 0; c < nr_cpus; c++) {
			run->policies[i].cpus[c].cpu = c;
			run->policies[i].cpus[c].apic_id = 2 * c;
			run->policies[i].cpus[c].canary_valid = true;
		}
	}
	return run;
}

void sample_free(struct run_result *run)
{
	for (u32 i = 0; i < MAX_POLICIES; i++)
		free(run->policies[i].cpus);
	free(run->policies);
	free(run);
}

static void fill_policy(struct policy_result *policy, const char *name, const char *lineage)
{
	policy->name = name;
	policy->lineage = lineage;
	policy->roots = 1;
	policy->defers = strcmp(name, "immediate") != 0;
	policy->ran = true;
	policy->nmi_load = true;
	policy->verdict = VERDICT_PASS;
	policy->flushes = 10000;
	policy->phase2_flushes = 20000;
	policy->full_flushes = 61;
	policy->ranged_flushes = 29939;
	policy->operations = 61000;
	policy->allocations = 30500;
}

static void fill_housekeeping(struct cpu_result *cpu)
{
	cpu->canary_valid = false;
	cpu->other_irqs = 4;
	cpu->flush_all = 61;
	cpu->flush_one = 310022;
}

/* What a policy that never defers gives to an isolated CPU. */
static void fill_interrupted(struct cpu_result *cpu)
{
	cpu->isolated = true;
	cpu->tlbi_ipis = 9987;
	cpu->tlbi_callbacks = 10000;
	cpu->kernel_entries = 9988;
	cpu->raced_ipis = 1730;
	cpu->phase2_callbacks = 20000;
	cpu->phase2_entries = 31015;
	cpu->deferrable_ipis = 28249;
	cpu->nmis = cpu->nmis_sent = 2505;
	cpu->nmi_checks = 2411;
	cpu->flush_all = 61;
	cpu->flush_one = 310022;
	cpu->warm = 1009;
	cpu->canary_checks = 1011;
	cpu->sent_callbacks = cpu->received_callbacks = 30000;
	cpu->sent_ipis = cpu->received_ipis = 29979;
	cpu->sent_coalesced = 21;
	cpu->has_gaps = true;
	cpu->gaps[GAP_MACHINE] = (struct gap_result){3, 8740};
	cpu->gaps[GAP_FLUSH_IPI] = (struct gap_result){9987, 41872};
}

/* What deferral gives to it. */
static void fill_deferred(struct cpu_result *cpu)
{
	cpu->isolated = true;
	cpu->kernel_entries = 1;
	cpu->deferred = 10000;
	cpu->drained = 1;
	cpu->raced_ipis = 1655;
	cpu->phase2_callbacks = 1660;
	cpu->phase2_entries = 12011;
	cpu->phase2_deferred = 18340;
	cpu->phase2_drained = 9120;
	cpu->nmis = cpu->nmis_sent = 2498;
	cpu->nmi_checks = 2402;
	cpu->owed_entries = 9121;
	cpu->flush_all = 9121;
	cpu->warm = 1012;
	cpu->canary_checks = 1013;
	cpu->sent_callbacks = cpu->received_callbacks = 1660;
	cpu->sent_ipis = cpu->received_ipis = 1655;
	cpu->sent_coalesced = 5;
	cpu->has_gaps = true;
	cpu->gaps[GAP_MACHINE] = (struct gap_result){5, 9120};
}

static void no_nmis(struct policy_result *policy)
{
	policy->nmi_load = false;
	for (u32 i = 0; i < policy->nr_cpus; i++)
		policy->cpus[i].nmis = policy->cpus[i].nmis_sent = policy->cpus[i].nmi_checks = 0;
}

static void fill_machine(struct run_result *run)
{
	run->machine = (struct machine_result){
		.cpu_vendor = "AuthenticAMD",
		.cpu_brand = "QEMU TCG CPU version 2.5+",
		.microcode = 0x1000065,
		.hypervisor = "TCGTCGTCGTCG",
		.emulated = true,
		.firmware = "bios",
		.loader = "GRUB 2.06-13+deb12u1",
		.cpus_found = 4,
		.cpus_started = 4,
		.memory_bytes = 267894784,
		.tsc_khz = 2594123,
		.pge = true,
		.nx = true,
		.smep = true,
		.smap = true,
		.umip = true,
		.fsgsbase = true,
		.la57 = true,
		.pdpe1gb = true,
		.tsc_readings = 48,
	};
	run->parameters = (struct parameters_result){
		.cmdline = "run=compare nohz_full=2-3",
		.broken = "",
		.seed = 1,
		.flush_ceiling = 33,
		.lazy_max_pages = 24576,
		.vmap_stack = true,
		.zone = "off",
	};
	run->verdict = VERDICT_PASS;
}

struct run_result *sample_comparison(void)
{
	struct run_result *run = new_run(2, 4);
	struct policy_result *policy = run->policies;

	fill_machine(run);
	fill_policy(&policy[0], "immediate", "mainline");
	fill_policy(&policy[1], "state-bits", "v2, the seed");
	policy[0].syscall_instructions = 111;
	policy[1].syscall_instructions = 123;
	policy[1].claims[0] = (struct claim_result){"N4", "nmi", "stale"};
	policy[1].nr_claims = 1;
	for (u32 i = 0; i < 2; i++) {
		fill_housekeeping(&policy[i].cpus[0]);
		fill_housekeeping(&policy[i].cpus[1]);
	}
	fill_interrupted(&policy[0].cpus[2]);
	fill_interrupted(&policy[0].cpus[3]);
	policy[0].cpus[3].tlbi_ipis = 9994;
	policy[0].cpus[3].kernel_entries = 9995;
	fill_deferred(&policy[1].cpus[2]);
	fill_deferred(&policy[1].cpus[3]);
	policy[1].cpus[3].gaps[GAP_MACHINE] = (struct gap_result){0, 0};
	no_nmis(&policy[1]);
	return run;
}

struct run_result *sample_findings(void)
{
	struct run_result *run = new_run(4, 3);
	struct policy_result *policy = run->policies;

	fill_machine(run);
	run->detail = true;
	run->machine.hypervisor[0] = '\0';
	run->machine.emulated = false;
	run->machine.nx = false;
	run->machine.x2apic = true;
	run->parameters.cmdline = "run=compare break=drain";
	run->parameters.broken = "break=drain";
	run->parameters.debug_pagealloc = true;
	run->parameters.stack_on_task = true;
	run->parameters.zone = "stale";

	fill_policy(&policy[0], "immediate", "mainline");
	fill_interrupted(&policy[0].cpus[2]);
	fill_policy(&policy[1], "state-bits", "v2, the seed");
	fill_deferred(&policy[1].cpus[2]);
	policy[1].cpus[2].drained = 0;
	policy[1].cpus[2].stale = 998;
	policy[1].cpus[2].lost = 9121;
	policy[1].cpus[2].unexplained = 2;
	policy[1].corrupted = 7;
	policy[1].verdict = VERDICT_FAIL;
	strcpy(policy[1].reason, "CPU 2 read 998 stale translations and passed 9121 entries with a "
				 "purge uncovered; no claim covers either");
	fill_policy(&policy[2], "cr3-flag", "v8/v9 with a saved flag");
	policy[2].roots = 2;
	fill_deferred(&policy[2].cpus[2]);
	policy[2].cpus[2].canary_valid = false;
	policy[2].cpus[2].has_gaps = false;
	policy[2].cpus[2].warm = 150;
	policy[2].verdict = VERDICT_ERROR;
	strcpy(policy[2].reason, "CPU 2: 150 canaries proved warm, 200 are needed");
	policy[3].name = "broadcast";
	policy[3].lineage = "Linux 6.15, AMD INVLPGB";
	policy[3].roots = 1;
	policy[3].nr_cpus = 0;
	strcpy(policy[3].reason, "CPUID has no INVLPGB");
	for (u32 i = 0; i < 3; i++) {
		fill_housekeeping(&policy[i].cpus[0]);
		fill_housekeeping(&policy[i].cpus[1]);
	}
	run->verdict = VERDICT_FAIL;
	strcpy(run->reason, "state-bits broke a promise that it makes");
	return run;
}

/* As many rows as there may be policies, in all their states; without tables of their own. */
struct run_result *sample_all_policies(void)
{
	static const struct {
		const char *name;
		u32 roots;
	} rows[] = {
		{"immediate", 1},  {"immediate", 2},   {"work-word", 1},   {"work-word", 2},
		{"state-bits", 1}, {"state-bits", 2},  {"watching", 1},	   {"watching", 2},
		{"cr3-flag", 2},   {"cr3-pending", 2}, {"fancy-state", 1}, {"fancy-state", 2},
		{"range-list", 1}, {"range-list", 2},  {"generation", 1},  {"generation", 2},
		{"quarantine", 1}, {"quarantine", 2},  {"exit-flush", 1},  {"broadcast", 1},
		{"broadcast", 2},  {"posted-v2", 1},   {"posted-v3", 1},   {"posted-v5", 1},
		{"v8-unsaved", 2},
	};
	struct run_result *run = new_run(ARRAY_SIZE(rows), 4);

	fill_machine(run);
	run->parameters.cmdline = "";
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_result *policy = &run->policies[i];

		fill_policy(policy, rows[i].name, "a mail of the series");
		policy->roots = rows[i].roots;
		policy->syscall_instructions = i % 3 ? 100 + i : 0;
		for (u32 c = 0; c < 4; c++) {
			if (c < 2)
				fill_housekeeping(&policy->cpus[c]);
			else if (policy->defers)
				fill_deferred(&policy->cpus[c]);
			else
				fill_interrupted(&policy->cpus[c]);
			policy->cpus[c].canary_valid = policy->roots == 1;
		}
		if (strcmp(rows[i].name, "broadcast") == 0) {
			policy->defers = policy->ran = policy->nmi_load = false;
			policy->broadcast = true;
			policy->nr_cpus = 0;
			policy->verdict = VERDICT_NONE;
			strcpy(policy->reason, "CPUID has no INVLPGB");
		} else if (strcmp(rows[i].name, "state-bits") == 0) {
			policy->claims[policy->nr_claims++] = (struct claim_result){"N4", "nmi",
										    "stale"};
			no_nmis(policy);
		} else if (strcmp(rows[i].name, "posted-v3") == 0) {
			policy->claims[policy->nr_claims++] = (struct claim_result){"N1", "process",
										    "spurious"};
			policy->claims[policy->nr_claims++] = (struct claim_result){"N4", "nmi",
										    "stale"};
			policy->claims[policy->nr_claims++] = (struct claim_result){"N4", "nmi",
										    "lost"};
			policy->cpus[2].nmi_stale = 5;
			policy->cpus[3].nmi_stale = 7;
			policy->cpus[3].lost = policy->cpus[3].lost_in_nmi = 2;
			strcpy(policy->reason,
			       "as claimed: N4 (nmi, stale) x12, N4 (nmi, lost) x2");
		} else if (strcmp(rows[i].name, "quarantine") == 0) {
			policy->held_pages = 20480;
		}
	}
	return run;
}

struct run_result *sample_many_cpus(void)
{
	struct run_result *run = new_run(1, 256);
	struct policy_result *policy = run->policies;

	fill_machine(run);
	strcpy(run->machine.cpu_brand, "AMD EPYC 9754 128-Core Processor");
	strcpy(run->machine.hypervisor, "KVMKVMKVM");
	run->machine.emulated = false;
	run->machine.firmware = "uefi";
	run->machine.cpus_found = 288;
	run->machine.cpus_started = 256;
	run->machine.memory_bytes = 3ULL << 40;
	run->machine.microcode = 0;
	run->machine.tsc_readings = 510000;
	run->machine.tsc_backwards = 3;
	run->machine.tsc_largest_backwards = 41;
	run->machine.tsc_unfinished = 1;
	run->parameters.cmdline = "run=compare nohz_full=16-255 tlbi=state-bits";
	fill_policy(policy, "state-bits", "v2, the seed");
	for (u32 c = 0; c < 256; c++) {
		if (c < 16)
			fill_housekeeping(&policy->cpus[c]);
		else
			fill_deferred(&policy->cpus[c]);
	}
	policy->cpus[100].gaps[GAP_NMI] = (struct gap_result){1, 55111};
	policy->cpus[255].deferred = 9998;
	return run;
}

struct run_result *sample_maxima(void)
{
	static char text[1024];
	static struct place_result places[MAX_CPUS];
	struct run_result *run = new_run(2, MAX_CPUS); /* a test may ask for all that are filled */

	/* 0x80 and up are no ASCII, the rest has quotes, backslashes and control characters. */
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)(1 + i * 37 % 255);
	memset(&run->machine, 0xff, sizeof(run->machine));
	memset(&run->machine.emulated, 1, sizeof(bool));
	memset(&run->machine.x2apic, 1, 15);
	run->machine.topology = places;
	run->machine.nr_topology = MAX_CPUS;
	for (u32 i = 0; i < MAX_CPUS; i++)
		places[i] = (struct place_result){i, ~0U, i < 2 ? 0 : ~0U, i % 2 ? "core" : "atom"};
	memcpy(run->machine.cpu_vendor, text, 12);
	run->machine.cpu_vendor[12] = '\0';
	memcpy(run->machine.cpu_brand, text, 48);
	run->machine.cpu_brand[48] = '\0';
	memcpy(run->machine.hypervisor, text, 12);
	run->machine.hypervisor[12] = '\0';
	memcpy(run->machine.loader, text, 31);
	run->machine.loader[31] = '\0';
	run->machine.firmware = "uefi";
	run->parameters = (struct parameters_result){
		text, text, ~0ULL, ~0U, ~0ULL, true, true, true, "off",
	};
	run->verdict = VERDICT_FAIL;
	memset(run->reason, '\\', 159);
	for (u32 i = 0; i < MAX_POLICIES; i++) {
		struct policy_result *policy = &run->policies[i];

		policy->name = "a-policy-with-a-name-that-is-far-too-long-for-its-column";
		policy->lineage = text + 900;
		policy->roots = 2;
		for (u32 c = 0; c < RESULT_MAX_CLAIMS; c++)
			policy->claims[c] = (struct claim_result){"N4444", "process", "spurious"};
		policy->nr_claims = RESULT_MAX_CLAIMS;
		policy->ran = true;
		policy->verdict = VERDICT_ERROR;
		memset(policy->reason, 'r', 159);
		policy->nmi_load = true;
		policy->held_pages = policy->syscall_instructions = ~0ULL;
		policy->flushes = policy->phase2_flushes = ~0ULL;
		policy->full_flushes = policy->ranged_flushes = ~0ULL;
		policy->operations = policy->allocations = policy->corrupted = ~0ULL;
		policy->allocation_failures = ~0ULL;
		for (u32 c = 0; c < MAX_CPUS; c++) {
			struct cpu_result *cpu = &policy->cpus[c];

			memset(cpu, 0xff, sizeof(*cpu));
			cpu->cpu = c;
			memset(&cpu->isolated, c > 1, sizeof(bool));
			memset(&cpu->canary_valid, 1, sizeof(bool));
			memset(&cpu->has_gaps, 1, sizeof(bool));
			cpu->gaps[GAP_MACHINE].largest_ns--;
			cpu->gaps[GAP_SYSCALL].largest_ns--;
			cpu->gaps[GAP_FLUSH_IPI].largest_ns--;
			cpu->tlbi_ipis -= c;
			cpu->deferred /= c + 1;
		}
	}
	return run;
}

struct run_result *sample_nothing(void)
{
	return new_run(0, 0);
}

/* A number of any size, small ones often. */
static u64 any(void)
{
	u64 value = (u64)mrand48() << 32 ^ (u64)mrand48();

	return lrand48() % 3 ? value >> (lrand48() % 64) : 0;
}

struct run_result *sample_random(long seed)
{
	struct run_result *run;

	srand48(seed);
	run = new_run((u32)lrand48() % (lrand48() % 4 ? 4 : MAX_POLICIES + 1),
		      lrand48() % 4 ? 1 + (u32)lrand48() % 24 : 1 + (u32)lrand48() % MAX_CPUS);
	fill_machine(run);
	run->machine.memory_bytes = any();
	run->machine.tsc_khz = any();
	run->machine.cpus_found = (u32)any();
	run->machine.emulated = lrand48() % 2;
	run->detail = lrand48() % 2;
	run->parameters.seed = any();
	run->verdict = lrand48() % 4;
	for (u32 i = 0; i < run->nr_policies; i++) {
		struct policy_result *policy = &run->policies[i];

		fill_policy(policy, "generation", "tlb_gen, FreeBSD pm_gen, nanos");
		policy->roots = 1 + (u32)lrand48() % 2;
		policy->ran = lrand48() % 5;
		policy->eager = lrand48() % 2;
		policy->nmi_load = lrand48() % 2;
		policy->held_pages = any();
		policy->syscall_instructions = any();
		policy->verdict = lrand48() % 4;
		policy->flushes = any();
		policy->phase2_flushes = any();
		policy->full_flushes = any();
		policy->corrupted = any();
		policy->allocation_failures = any();
		if (lrand48() % 2)
			strcpy(policy->reason, "a reason of some length, such as there may be");
		for (u32 c = 0; c < policy->nr_cpus; c++) {
			struct cpu_result *cpu = &policy->cpus[c];

			/* All fields are numbers but the three flags, which are set after. */
			for (size_t at = offsetof(struct cpu_result, tlbi_ipis); at < sizeof(*cpu);
			     at += sizeof(u64)) {
				u64 value = any();

				memcpy((char *)cpu + at, &value, sizeof(value));
			}
			memset(&cpu->isolated, lrand48() % 3 ? 1 : 0, sizeof(bool));
			memset(&cpu->canary_valid, lrand48() % 3 ? 1 : 0, sizeof(bool));
			memset(&cpu->has_gaps, lrand48() % 3 ? 1 : 0, sizeof(bool));
		}
	}
	return run;
}

struct run_result *sample_by_name(const char *name)
{
	static const struct {
		const char *name;
		struct run_result *(*make)(void);
	} samples[] = {
		{"comparison", sample_comparison},
		{"findings", sample_findings},
		{"all_policies", sample_all_policies},
		{"many_cpus", sample_many_cpus},
		{"maxima", sample_maxima},
		{"nothing", sample_nothing},
	};

	for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
		if (!strcmp(samples[i].name, name))
			return samples[i].make();
	return NULL;
}
