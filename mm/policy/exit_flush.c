/* SPDX-License-Identifier: MIT */
/*
 * exit-flush: flush on the way out to ring 3, nothing at entry. Proposed more than once and
 * rejected in review (Jann Horn, Will Deacon, Mark Rutland, Dave Hansen on v2 and v4): a CPU may
 * fill its TLB at any time, by speculation or by an implicit access, so what was flushed at the
 * exit may be back, stale, at the next entry. One root: with two, ring 3's root has nothing to
 * fill from, and a design like it is sound if the entry publishes before it loads the kernel's root
 * and the exit flushes after it has left it (8.3 of the lineage).
 *
 * What it breaks: R5, for there is no flush after the purge (defect X1). No emulator fills by
 * speculation, so the canary shows it with zone=stale alone, whose copy of the tables is filled at
 * all times; the generation oracle always does, which asks whether the flush was executed and not
 * whether it would have mattered.
 */
#include "mm/policy/ops.h"
#include "mm/policy/policy.h"
#include "mm/policy/policy_targets.h"

struct exit_flush {
	u32 in_kernel;
};

static const struct policy_claim claims[] = {
	{"X1", "process", "stale"},
	{"X1", "process", "lost"},
	{"X1", "nmi", "lost"},
	{"X1", "nmi", "stale"}, /* an NMI in the tail of the exit, before the flush */
};

static void exit_flush_reset(unsigned int cpu)
{
	remote_own(cpu, struct exit_flush)->in_kernel = 1;
}

static bool exit_flush_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	(void)range;
	return word_read(&remote_own(cpu, struct exit_flush)->in_kernel);
}

static noinstr void exit_flush_enter(void)
{
	own_xchg(struct exit_flush, in_kernel, 1);
}

/* Published first: whoever defers from here on has cleared its PTEs before this flush, or after. */
static noinstr void exit_flush_exit(void)
{
	own_xchg(struct exit_flush, in_kernel, 0);
	__flush_tlb_all();
}

static noinstr u64 exit_flush_nmi_enter(void)
{
	return own_xchg(struct exit_flush, in_kernel, 1);
}

static noinstr void exit_flush_nmi_exit(u64 in_kernel)
{
	if (!in_kernel)
		exit_flush_exit();
}

DEFINE_POLICY_TARGETS(exit_flush);

const struct flush_policy policy_exit_flush = {
	.name = "exit-flush",
	.lineage = "rejected in review",
	.words = in_kernel_words,
	.roots = ROOTS_ONE,
	.claims = claims,
	.nr_claims = ARRAY_SIZE(claims),
	.speculative = "X1",
	.defers = true,
	.eager = true,
	.reset = exit_flush_reset,
	.need_ipi = exit_flush_need_ipi,
	.targets = exit_flush_targets,
	.doors = {exit_flush_enter, exit_flush_exit, exit_flush_nmi_enter, exit_flush_nmi_exit},
};
