/* SPDX-License-Identifier: MIT */
/*
 * Findings and claims, see result_findings.h.
 */
#include "kernel/result_findings.h"

#include "arch/x86_64/string.h"
#include "kernel/result_words.h"

static const struct {
	const char *context, *effect;
} kinds[FINDINGS] = {
	[FOUND_STALE] = {"process", "stale"},	    [FOUND_LOST] = {"process", "lost"},
	[FOUND_SPURIOUS] = {"process", "spurious"}, [FOUND_STALE_IN_NMI] = {"nmi", "stale"},
	[FOUND_LOST_IN_NMI] = {"nmi", "lost"},
};

const char *finding_context(enum finding finding)
{
	return kinds[finding].context;
}

const char *finding_effect(enum finding finding)
{
	return kinds[finding].effect;
}

void cpu_findings(const struct policy_result *policy, const struct cpu_result *cpu,
		  u64 counts[FINDINGS])
{
	counts[FOUND_STALE] = cpu->stale;
	counts[FOUND_LOST] = cpu->lost - min(cpu->lost, cpu->lost_in_nmi);
	counts[FOUND_SPURIOUS] = policy->eager ? 0 : cpu->spurious_drains;
	counts[FOUND_STALE_IN_NMI] = cpu->nmi_stale;
	counts[FOUND_LOST_IN_NMI] = cpu->lost_in_nmi;
}

/* An area that does not hold what was written to it was read or written by an old translation. */
void policy_findings(const struct policy_result *policy, u64 counts[FINDINGS])
{
	memset(counts, 0, FINDINGS * sizeof(counts[0]));
	counts[FOUND_STALE] = policy->corrupted;
	for (u32 i = 0; i < policy->nr_cpus; i++) {
		u64 of_cpu[FINDINGS];

		cpu_findings(policy, &policy->cpus[i], of_cpu);
		for (enum finding f = 0; f < FINDINGS; f++)
			counts[f] = saturating_add(counts[f], of_cpu[f]);
	}
}

bool canary_convicts(const struct policy_result *policy)
{
	return policy->stale_copy || (policy->roots == 1 && !policy->never_stale);
}

const struct claim_result *claim_of(const struct policy_result *policy, enum finding finding)
{
	for (u32 i = 0; i < policy->nr_claims; i++)
		if (strcmp(policy->claims[i].context, kinds[finding].context) == 0 &&
		    strcmp(policy->claims[i].effect, kinds[finding].effect) == 0)
			return &policy->claims[i];
	return NULL;
}

u64 testing_entries(const struct policy_result *policy, const struct cpu_result *cpu)
{
	bool never_drains = policy->eager && cpu->drained == 0 && cpu->owed_entries == 0;

	return never_drains ? cpu->phase2_entries : cpu->owed_entries;
}

bool has_unclaimed(const struct policy_result *policy, const u64 counts[FINDINGS])
{
	for (enum finding f = 0; f < FINDINGS; f++)
		if (counts[f] && !claim_of(policy, f))
			return true;
	return false;
}

const struct claim_result *claim_in_context(const struct policy_result *policy, const char *context)
{
	for (u32 i = 0; i < policy->nr_claims; i++)
		if (strcmp(policy->claims[i].context, context) == 0)
			return &policy->claims[i];
	return NULL;
}
