/* SPDX-License-Identifier: MIT */
/*
 * posted-v6: v6 27/29 to 29/29 (10 October 2025) as posted; v7 is the same in this part. The flush
 * moves to the kPTI switch: an unconditional one right behind the CR3 write, then a flag. Two
 * roots. (Its switch keeps translations, so the flush is a flush of everything. As posted it
 * flushes and flags on nohz_full CPUs only; here the others never leave the kernel.)
 *
 * N7. kernel_cr3_loaded := 1 comes after the flush. A purge in between clears its PTEs behind the
 *     flush, still reads 0 and sends no IPI (R4). Dave Hansen on v7: "there's a bug". Whether a
 *     stale translation is used needs a fill between flush and flag; the generation oracle does
 *     not.
 * N8. Paranoid entries look at CR3 alone. An NMI between the CR3 write and the flush sees the
 *     kernel's root and flushes nothing (Andy Lutomirski: "We do need to watch out for NMI/MCE
 *     hitting before we flush"); so does one between flag := 0 and the switch back.
 */
#include "mm/policy/cr3_flag.h"

static const struct policy_claim claims[] = {
	{"N7", "process", "lost"},
	{"N7", "process", "stale"},
	{"N8", "nmi", "lost"},
	{"N8", "nmi", "stale"},
};

static noinstr void v6_enter(void)
{
	switch_root_noflush(ROOT_KERNEL);
	drain_all_local();
	own_write(struct cr3_flag, kernel_cr3_loaded, 1);
}

static noinstr void v6_exit(void)
{
	cr3_flag_exit();
}

static noinstr u64 v6_nmi_enter(void)
{
	if (!on_ring3_root())
		return 0;
	switch_root_noflush(ROOT_KERNEL);
	__flush_tlb_all();
	own_write(struct cr3_flag, kernel_cr3_loaded, 1);
	return 1;
}

static noinstr void v6_nmi_exit(u64 ring3_root)
{
	if (!ring3_root)
		return;
	own_write(struct cr3_flag, kernel_cr3_loaded, 0);
	switch_root_noflush(ROOT_RING3);
}

const struct flush_policy policy_posted_v6 = {
	.name = "posted-v6",
	.lineage = "v6 and v7, as posted",
	.words = cr3_flag_words,
	.roots = ROOTS_TWO,
	.claims = claims,
	.nr_claims = ARRAY_SIZE(claims),
	.defers = true,
	.eager = true,
	.reset = cr3_flag_reset,
	.need_ipi = cr3_flag_need_ipi,
	.doors_two = {v6_enter, v6_exit, v6_nmi_enter, v6_nmi_exit},
};
