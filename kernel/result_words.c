/* SPDX-License-Identifier: MIT */
/*
 * Words and sums of a result; see result_words.h.
 */
#include "kernel/result_words.h"

#include "arch/x86_64/string.h"

const char *run_verdict_word(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_PASS:
		return "pass";
	case VERDICT_FAIL:
		return "fail";
	default:
		return "error";
	}
}

bool policy_was_skipped(const struct policy_result *policy)
{
	return policy->verdict == VERDICT_NONE && !policy->ran;
}

const char *policy_verdict_word(const struct policy_result *policy)
{
	if (policy_was_skipped(policy))
		return "skip";
	return run_verdict_word(policy->verdict);
}

const char *gap_cause_key(enum gap_cause cause)
{
	static const char *const keys[GAP_CAUSES] = {
		[GAP_MACHINE] = "machine",
		[GAP_FLUSH_IPI] = "flush_ipi",
		[GAP_OTHER_IPI] = "other_ipi",
		[GAP_TIMER] = "timer",
		[GAP_NMI] = "nmi",
		[GAP_SYSCALL] = "syscall",
		[GAP_EXCEPTION] = "exception",
	};

	return keys[cause];
}

const char *gap_cause_word(enum gap_cause cause)
{
	/* HW is the word of osnoise for a gap that no kernel entry explains. */
	static const char *const words[GAP_CAUSES] = {
		[GAP_MACHINE] = "HW",	   [GAP_FLUSH_IPI] = "TLBI", [GAP_OTHER_IPI] = "IPI",
		[GAP_TIMER] = "timer",	   [GAP_NMI] = "NMI",	     [GAP_SYSCALL] = "syscall",
		[GAP_EXCEPTION] = "fault",
	};

	return words[cause];
}

enum gap_cause gap_largest(const struct cpu_result *cpu)
{
	enum gap_cause largest = GAP_CAUSES;

	for (enum gap_cause cause = 0; cause < GAP_CAUSES; cause++) {
		if (!cpu->gaps[cause].count)
			continue;
		if (largest == GAP_CAUSES ||
		    cpu->gaps[cause].largest_ns > cpu->gaps[largest].largest_ns)
			largest = cause;
	}
	return largest;
}

u64 saturating_add(u64 a, u64 b)
{
	u64 sum;

	return __builtin_add_overflow(a, b, &sum) ? ~0ULL : sum;
}

static void add(struct cpu_result *total, const struct cpu_result *cpu)
{
	static const size_t counts[] = {
		offsetof(struct cpu_result, tlbi_ipis),
		offsetof(struct cpu_result, tlbi_callbacks),
		offsetof(struct cpu_result, raced_ipis),
		offsetof(struct cpu_result, deferrable_ipis),
		offsetof(struct cpu_result, other_irqs),
		offsetof(struct cpu_result, nmis),
		offsetof(struct cpu_result, nmis_sent),
		offsetof(struct cpu_result, nmi_checks),
		offsetof(struct cpu_result, kernel_entries),
		offsetof(struct cpu_result, phase2_entries),
		offsetof(struct cpu_result, deferred),
		offsetof(struct cpu_result, drained),
		offsetof(struct cpu_result, owed_entries),
		offsetof(struct cpu_result, flush_all),
		offsetof(struct cpu_result, flush_one),
		offsetof(struct cpu_result, warm),
		offsetof(struct cpu_result, lost),
		offsetof(struct cpu_result, unexplained),
	};

	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		u64 *into = (u64 *)((char *)total + counts[i]);

		*into = saturating_add(*into, *(const u64 *)((const char *)cpu + counts[i]));
	}
	if (cpu->canary_valid) {
		total->stale = saturating_add(total->stale, cpu->stale);
		total->nmi_stale = saturating_add(total->nmi_stale, cpu->nmi_stale);
	}
	if (!cpu->has_gaps)
		return;
	total->has_gaps = true;
	for (enum gap_cause cause = 0; cause < GAP_CAUSES; cause++) {
		struct gap_result *gap = &total->gaps[cause];

		gap->count = saturating_add(gap->count, cpu->gaps[cause].count);
		gap->largest_ns = max(gap->largest_ns, cpu->gaps[cause].largest_ns);
	}
}

u32 cpu_results_sum(const struct policy_result *policy, enum cpu_kind kind,
		    struct cpu_result *total)
{
	bool some_valid = false, isolated_invalid = false;
	u32 nr = 0;

	memset(total, 0, sizeof(*total));
	for (u32 i = 0; i < policy->nr_cpus; i++) {
		const struct cpu_result *cpu = &policy->cpus[i];

		if (kind != CPUS_ALL && cpu->isolated != (kind == CPUS_ISOLATED))
			continue;
		add(total, cpu);
		some_valid |= cpu->canary_valid;
		isolated_invalid |= cpu->isolated && !cpu->canary_valid;
		nr++;
	}
	total->canary_valid = some_valid && (total->stale || total->nmi_stale || !isolated_invalid);
	return nr;
}
