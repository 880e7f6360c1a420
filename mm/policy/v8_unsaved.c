/* SPDX-License-Identifier: MIT */
/*
 * v8-unsaved: v8's order with v6's way of leaving an NMI. Hypothetical, attributed to nobody: what
 * could be read of v8 and v9 does not show how NMIs leave.
 *
 * N9. The flag goes up before CR3 is written, which is right. But an NMI between the two sees ring
 *     3's root, and on its way out writes the constant 0. The interrupted entry goes on into the
 *     kernel with the flag at 0, and no purge reaches it for as long as it stays (R4, R6).
 *
 * It also looks at CR3 alone, so in the tail of an exit an NMI does nothing (N8's second half).
 */
#include "mm/policy/cr3_flag.h"

static const struct policy_claim claims[] = {
	{"N9", "process", "stale"},
	{"N9", "process", "lost"},
	{"N9", "nmi", "lost"},
	{"N9", "nmi", "stale"},
};

static noinstr void v8_enter(void)
{
	cr3_flag_enter();
}

static noinstr void v8_exit(void)
{
	cr3_flag_exit();
}

static noinstr u64 v8_nmi_enter(void)
{
	if (!on_ring3_root())
		return 0;
	own_write(struct cr3_flag, kernel_cr3_loaded, 1);
	flush_by_root_switch_local();
	return 1;
}

static noinstr void v8_nmi_exit(u64 ring3_root)
{
	if (!ring3_root)
		return;
	own_write(struct cr3_flag, kernel_cr3_loaded, 0);
	switch_root_noflush(ROOT_RING3);
}

const struct flush_policy policy_v8_unsaved = {
	.name = "v8-unsaved",
	.lineage = "hypothetical",
	.words = cr3_flag_words,
	.roots = ROOTS_TWO,
	.claims = claims,
	.nr_claims = ARRAY_SIZE(claims),
	.speculative = "N9",
	.defers = true,
	.eager = true,
	.reset = cr3_flag_reset,
	.need_ipi = cr3_flag_need_ipi,
	.doors_two = {v8_enter, v8_exit, v8_nmi_enter, v8_nmi_exit},
};
