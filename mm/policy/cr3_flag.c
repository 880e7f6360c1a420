/* SPDX-License-Identifier: MIT */
/*
 * cr3-flag: v8 (RFC, March 2026) and v9 (May 2026) as far as they could be read, with a flag that
 * NMIs save. "Unconditionally run a catch-up sequence at kernel entry": a flag says that the
 * kernel's root is loaded, and the kPTI switch of CR3, without NOFLUSH, is the flush. Two roots.
 *
 *	initiator				target, entry
 *	clear PTEs				flag := 1 (plain store)
 *	full barrier				CR3 := kernel, flushes; serializes
 *	flag 0: no IPI				touch vmalloc
 *
 * Right because the store of the flag is visible before the flush takes effect (R4: MOV CR3
 * serializes, so it waits for the store buffer). An initiator that reads 0 read it before that, so
 * its cleared PTEs are in memory before the flush, and the walks behind it see them (R5). On the
 * way out the flag goes first: the tail between it and ring 3 touches nothing deferrable (R3).
 *
 * NMIs (R6): the flag is saved on the door's stack and put back, never written as a constant (N9).
 * An NMI always flushes, whatever CR3 and flag say: in the tail of an exit it finds the kernel's
 * CR3 and the flag at 0 (8.3 of the lineage), inside another door's hook both may be the kernel's.
 *
 * No vmalloc mapping is global with two roots, nor known to ring 3's root, so the CR3 write covers
 * all that may be deferred (R2, R10). The price: a flush at every entry, owed or not; R9 is not
 * promised.
 */
#include "mm/policy/cr3_flag.h"

static noinstr void enter(void)
{
	cr3_flag_enter();
}

static noinstr void exit_(void)
{
	cr3_flag_exit();
}

static noinstr u64 nmi_enter(void)
{
	return cr3_flag_nmi_enter();
}

static noinstr void nmi_exit(u64 saved)
{
	cr3_flag_nmi_exit(saved);
}

const struct policy_word cr3_flag_words[] = {
	{.name = "kernel_cr3_loaded", .own = true, .bits = 32, .values = {"no", "yes"}},
	{.name = NULL},
};

const struct flush_policy policy_cr3_flag = {
	.name = "cr3-flag",
	.lineage = "v8/v9 with a saved flag",
	.words = cr3_flag_words,
	.roots = ROOTS_TWO,
	.defers = true,
	.eager = true,
	.reset = cr3_flag_reset,
	.need_ipi = cr3_flag_need_ipi,
	.doors_two = {enter, exit_, nmi_enter, nmi_exit},
};
