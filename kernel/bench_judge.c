/* SPDX-License-Identifier: MIT */
/*
 * The verdict on one policy, see bench.h. Pure arithmetic on the facts, in the order of weight:
 * what cannot be right under any policy (failure), then too little work (error), then pass. The
 * first thing found is the reason.
 */
#include "kernel/bench.h"

#include "kernel/format.h"
#include "kernel/result_findings.h"

#define JUDGE(which, ...)                                                                          \
	do {                                                                                       \
		out->verdict = (which);                                                            \
		snprintf(out->reason, sizeof(out->reason), __VA_ARGS__);                           \
		return true;                                                                       \
	} while (0)

#define FAIL_IF(cond, ...)                                                                         \
	do {                                                                                       \
		if (cond)                                                                          \
			JUDGE(VERDICT_FAIL, __VA_ARGS__);                                          \
	} while (0)

#define ERROR_IF(cond, ...)                                                                        \
	do {                                                                                       \
		if (cond)                                                                          \
			JUDGE(VERDICT_ERROR, __VA_ARGS__);                                         \
	} while (0)

/* R1..R9 as the oracles see them, but for what the policy claims. */
static bool judge_oracles(struct policy_result *out, const struct cpu_result *cpu)
{
	u64 found[FINDINGS];

	cpu_findings(out, cpu, found);
	for (enum finding f = 0; f < FINDINGS; f++)
		if (claim_of(out, f))
			found[f] = 0;
	FAIL_IF(found[FOUND_STALE], "CPU %u: %lu of %lu canaries read an old translation", cpu->cpu,
		cpu->stale, cpu->canary_checks);
	FAIL_IF(found[FOUND_LOST],
		"CPU %u: %lu checks found a completed purge that it has not flushed", cpu->cpu,
		found[FOUND_LOST]);
	FAIL_IF(found[FOUND_STALE_IN_NMI],
		"CPU %u: %lu of %lu canaries read an old translation in NMI handlers", cpu->cpu,
		cpu->nmi_stale, cpu->nmi_checks);
	FAIL_IF(found[FOUND_LOST_IN_NMI],
		"CPU %u: %lu checks in NMI handlers found a completed purge that it has not "
		"flushed",
		cpu->cpu, cpu->lost_in_nmi);
	FAIL_IF(found[FOUND_SPURIOUS], "CPU %u: %lu drains with no purge to drain (R9)", cpu->cpu,
		cpu->spurious_drains);
	return false;
}

/* Both books of the cross-calls, kept by different CPUs, must tell the same story. */
static bool judge_books(struct policy_result *out, const struct cpu_result *cpu)
{
	FAIL_IF(cpu->sent_callbacks != cpu->received_callbacks,
		"CPU %u: %lu flush callbacks were requested, %lu were run", cpu->cpu,
		cpu->sent_callbacks, cpu->received_callbacks);
	FAIL_IF(cpu->sent_ipis != cpu->received_ipis,
		"CPU %u: %lu flush IPIs were sent, %lu were taken", cpu->cpu, cpu->sent_ipis,
		cpu->received_ipis);
	FAIL_IF(cpu->sent_ipis + cpu->sent_coalesced != cpu->received_callbacks,
		"CPU %u: %lu IPIs and %lu coalesced requests are not %lu callbacks", cpu->cpu,
		cpu->sent_ipis, cpu->sent_coalesced, cpu->received_callbacks);
	return false;
}

/*
 * Nothing but flush IPIs may disturb ring 3 in phase 1, and it must see each of them itself. NMIs
 * come in phase 2 only, and only those that were sent.
 */
static bool judge_peace(struct policy_result *out, const struct cpu_result *cpu)
{
	u64 due = cpu->tlbi_ipis + 1;
	u64 seen = 0;

	for (u32 cause = GAP_MACHINE + 1; cause < GAP_CAUSES; cause++)
		seen += cpu->gaps[cause].count;
	FAIL_IF(cpu->unexplained, "CPU %u: ring 3 saw %lu entries whose cause no door recorded",
		cpu->cpu, cpu->unexplained);
	FAIL_IF(cpu->other_irqs, "CPU %u: %lu interrupts that are no flush IPI", cpu->cpu,
		cpu->other_irqs);
	FAIL_IF(cpu->nmis != cpu->nmis_sent, "CPU %u: %lu NMIs were sent, %lu were taken", cpu->cpu,
		cpu->nmis_sent, cpu->nmis);
	FAIL_IF(cpu->kernel_entries != due, "CPU %u: %lu kernel entries in phase 1, %lu are due",
		cpu->cpu, cpu->kernel_entries, due);
	FAIL_IF(!cpu->has_gaps || seen != cpu->gaps[GAP_FLUSH_IPI].count || seen != cpu->tlbi_ipis,
		"CPU %u: ring 3 saw %lu interruptions, %lu by flush IPIs; the kernel counts %lu",
		cpu->cpu, seen, cpu->gaps[GAP_FLUSH_IPI].count, cpu->tlbi_ipis);
	return false;
}

static bool judge_immediate(struct policy_result *out, const struct cpu_result *cpu)
{
	FAIL_IF(cpu->tlbi_callbacks != out->flushes,
		"CPU %u: %lu flushes in phase 1, but %lu flush callbacks", cpu->cpu, out->flushes,
		cpu->tlbi_callbacks);
	FAIL_IF(cpu->phase2_callbacks != out->phase2_flushes,
		"CPU %u: %lu flushes in phase 2, but %lu flush callbacks", cpu->cpu,
		out->phase2_flushes, cpu->phase2_callbacks);
	return false;
}

static bool judge_broadcast(struct policy_result *out, const struct cpu_result *cpu)
{
	u64 callbacks = cpu->tlbi_callbacks + cpu->phase2_callbacks;
	u64 drains = cpu->drained + cpu->phase2_drained;

	FAIL_IF(callbacks || drains,
		"CPU %u: %lu flush callbacks and %lu drains, though nothing was asked of it",
		cpu->cpu, callbacks, drains);
	return false;
}

static bool judge_deferral(struct policy_result *out, const struct cpu_result *cpu)
{
	FAIL_IF(cpu->tlbi_callbacks, "CPU %u: %lu flush callbacks in phase 1, in ring 3 all along",
		cpu->cpu, cpu->tlbi_callbacks);
	FAIL_IF(cpu->deferrable_ipis, "CPU %u: %lu flush IPIs were sent while it was deferrable",
		cpu->cpu, cpu->deferrable_ipis);
	FAIL_IF(cpu->deferred != out->flushes, "CPU %u: %lu flushes in phase 1, %lu deferred",
		cpu->cpu, out->flushes, cpu->deferred);
	FAIL_IF(cpu->drained != 1 && !out->eager,
		"CPU %u: one entry ended phase 1, with %lu drains", cpu->cpu, cpu->drained);
	FAIL_IF(cpu->raced_ipis + cpu->phase2_deferred != out->phase2_flushes,
		"CPU %u: %lu flushes in phase 2, but %lu raced IPIs and %lu deferrals", cpu->cpu,
		out->phase2_flushes, cpu->raced_ipis, cpu->phase2_deferred);
	return false;
}

/* Enough work for an acquittal. */
static bool judge_floors(struct policy_result *out, const struct cpu_result *cpu)
{
	/* Cold canaries first: without them more entries would prove nothing either. */
	ERROR_IF(canary_convicts(out) && cpu->warm < FLOOR_WARM,
		 "too little work: CPU %u had %lu canaries proved warm, %u are needed", cpu->cpu,
		 cpu->warm, FLOOR_WARM);
	ERROR_IF(cpu->canary_checks < FLOOR_CHECKS,
		 "too little work: CPU %u compared %lu canaries, %u are needed", cpu->cpu,
		 cpu->canary_checks, FLOOR_CHECKS);
	ERROR_IF(out->defers && testing_entries(out, cpu) < FLOOR_OWED,
		 "too little work: CPU %u entered %lu times with work owed, %u are needed",
		 cpu->cpu, testing_entries(out, cpu), FLOOR_OWED);
	ERROR_IF(out->nmi_load && cpu->nmi_checks < FLOOR_NMI_CHECKS,
		 "too little work: CPU %u compared %lu canaries in NMI handlers, %u are needed",
		 cpu->cpu, cpu->nmi_checks, FLOOR_NMI_CHECKS);
	return false;
}

/* Who flushes, and when, as the policy has it. */
static bool judge_kind(struct policy_result *out, const struct cpu_result *cpu)
{
	if (out->broadcast)
		return judge_broadcast(out, cpu);
	return out->defers ? judge_deferral(out, cpu) : judge_immediate(out, cpu);
}

static bool judge_cpu(struct policy_result *out, const struct cpu_result *cpu)
{
	return judge_books(out, cpu) || judge_peace(out, cpu) || judge_kind(out, cpu) ||
	       judge_floors(out, cpu);
}

static bool judge_policy(struct policy_result *out)
{
	u32 isolated = 0;

	FAIL_IF(out->corrupted && !claim_of(out, FOUND_STALE),
		"%lu areas did not hold what was written to them", out->corrupted);
	for (u32 i = 0; i < out->nr_cpus; i++)
		if (judge_oracles(out, &out->cpus[i]))
			return true;
	if (out->reason[0]) {
		out->verdict = VERDICT_ERROR; /* a program was ended by the kernel */
		return true;
	}
	for (u32 i = 0; i < out->nr_cpus; i++) {
		if (!out->cpus[i].isolated)
			continue;
		isolated++;
		if (judge_cpu(out, &out->cpus[i]))
			return true;
	}
	ERROR_IF(isolated == 0, "no isolated CPU took part");
	ERROR_IF(out->flushes < FLOOR_FLUSHES, "too little work: %lu flushes, %u are needed",
		 out->flushes, FLOOR_FLUSHES);
	return false;
}

/* "as claimed: N4 (nmi, stale) x12, N4 (nmi, lost) x3": what a pass has found all the same. */
static void name_claimed(struct policy_result *out)
{
	u64 found[FINDINGS];
	size_t n = 0;

	policy_findings(out, found);
	for (enum finding f = 0; f < FINDINGS && n < sizeof(out->reason); f++)
		if (found[f])
			n += (size_t)snprintf(out->reason + n, sizeof(out->reason) - n,
					      "%s %s (%s, %s) x%lu",
					      n ? "," : "as claimed:", claim_of(out, f)->id,
					      finding_context(f), finding_effect(f), found[f]);
}

void bench_judge(struct policy_result *out)
{
	if (judge_policy(out))
		return;
	out->verdict = VERDICT_PASS;
	name_claimed(out);
}
