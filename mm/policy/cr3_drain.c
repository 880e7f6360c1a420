/* SPDX-License-Identifier: MIT */
/*
 * cr3-drain: watching, but its drain is a write of CR3 and nothing more. Peter Zijlstra on v3: with
 * one root kernel mappings are global, and MOV CR3 keeps global entries (SDM Vol 3, 4.10.4.1), so
 * nothing of what was owed is flushed. The lineage's L7, and rule R10: a flush counts only for the
 * globals that it covers.
 *
 * A control, for engines rather than for policies: QEMU's TCG drops global entries at a CR3 write,
 * so it cannot show this and lets it pass; Bochs and hardware keep them, and so does zone=stale
 * anywhere: the canary convicts.
 * The purges are booked as covered, as the author of such a drain would, so the generation oracle
 * is blind to it by construction.
 */
#include "mm/policy/context_tracking.h"
#include "mm/policy/policy.h"

static bool cr3_drain_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	(void)range;
	return !ct_set_cpu_work_unless_watching(cpu, CT_WORK_TLBI);
}

static noinstr void cr3_drain_enter(void)
{
	u32 state = this_add_return(struct context_tracking, state,
				    CT_KERNEL - CT_USER + CT_COUNTER_ONE);

	if ((state & CT_WORK_TLBI) && drain_begin_local())
		flush_by_cr3_local();
}

static noinstr void cr3_drain_exit(void)
{
	ct_exit();
}

static noinstr u64 cr3_drain_nmi_enter(void)
{
	u32 state = this_read(struct context_tracking, state);

	if (state & CT_WATCHING) {
		if (state & CT_WORK_TLBI)
			flush_by_cr3_local();
		return 0;
	}
	state = this_add_return(struct context_tracking, state, CT_COUNTER_ONE);
	if ((state & CT_WORK_TLBI) && drain_begin_local())
		flush_by_cr3_local();
	return 1;
}

static noinstr void cr3_drain_nmi_exit(u64 moved)
{
	ct_nmi_exit_clearing(moved);
}

const struct flush_policy policy_cr3_drain = {
	.name = "cr3-drain",
	.lineage = "a control: a drain that keeps global entries",
	.words = ct_words,
	.roots = ROOTS_ONE,
	.control = true,
	.defers = true,
	.reset = ct_reset,
	.stop_tracking = ct_stop_tracking,
	.need_ipi = cr3_drain_need_ipi,
	.doors = {cr3_drain_enter, cr3_drain_exit, cr3_drain_nmi_enter, cr3_drain_nmi_exit},
};
