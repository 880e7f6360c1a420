/* SPDX-License-Identifier: MIT */
/*
 * cr3-pending: Dave Hansen's suggestion on v2 and v4: if a flush is pending, let the switch to the
 * kernel's root flush, "something similar to user_pcid_flush_mask". The concrete form is this
 * project's. Two roots.
 *
 * One word a CPU: IN_USER and FLUSH. The initiator sets FLUSH by CMPXCHG while IN_USER is there;
 * the entry exchanges the word with 0, a LOCKed operation that publishes "in the kernel" and takes
 * what is owed at once: state-bits' argument, at the earliest place that there is. Then CR3 is
 * written, with NOFLUSH unless FLUSH was taken. Nothing owed, nothing flushed (R9).
 *
 * NMIs (R6). The entry holds FLUSH in a register between the exchange and the CR3 write, where an
 * NMI finds ring 3's root and the word at 0. In the tail of an exit it finds the kernel's root and
 * IN_USER, perhaps with FLUSH. And inside another door's hook (#MC's) that has taken FLUSH from
 * there it finds nothing at all. So it always flushes; NMIs are rare. What it puts back is IN_USER
 * if it was there, never a constant: with the word at 0 under it, 0 has to stay (the trap of N9).
 */
#include "mm/policy/ops.h"
#include "mm/policy/policy.h"
#include "mm/policy/policy_targets.h"

#define IN_USER 1U
#define FLUSH	2U

/* Kept on the NMI's stack beside IN_USER. */
#define FROM_RING3_ROOT 4UL

struct cr3_pending {
	u32 pend;
};

static void cr3_pending_reset(unsigned int cpu)
{
	remote_words(cpu, struct cr3_pending)->pend = 0;
}

static bool cr3_pending_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	u32 *word = &remote_words(cpu, struct cr3_pending)->pend;
	u32 old = word_read(word);

	(void)range;
	while (old & IN_USER)
		if (word_try_cmpxchg(word, &old, old | FLUSH))
			return false;
	return true;
}

static noinstr void cr3_pending_enter(void)
{
	if (this_xchg(struct cr3_pending, pend, 0) & FLUSH)
		drain_by_root_switch_local();
	else
		switch_root_noflush(ROOT_KERNEL);
}

static noinstr void cr3_pending_exit(void)
{
	this_write(struct cr3_pending, pend, IN_USER);
	switch_root_noflush(ROOT_RING3);
}

static noinstr u64 cr3_pending_nmi_enter(void)
{
	u32 prior = this_xchg(struct cr3_pending, pend, 0);
	bool ring3 = on_ring3_root();

	if (prior & FLUSH)
		drain_by_root_switch_local();
	else
		flush_by_root_switch_local();
	return (prior & IN_USER) | (ring3 ? FROM_RING3_ROOT : 0);
}

static noinstr void cr3_pending_nmi_exit(u64 saved)
{
	if (saved & IN_USER)
		this_write(struct cr3_pending, pend, IN_USER);
	if (saved & FROM_RING3_ROOT)
		switch_root_noflush(ROOT_RING3);
}

static const struct policy_word pending_words[] = {
	{.name = "in_user", .shift = 0, .bits = 1, .values = {"no", "yes"}},
	{.name = "flush", .shift = 1, .bits = 1, .values = {"no", "yes"}},
	{.name = NULL},
};

DEFINE_POLICY_TARGETS(cr3_pending);

const struct flush_policy policy_cr3_pending = {
	.name = "cr3-pending",
	.lineage = "Dave Hansen's suggestion",
	.words = pending_words,
	.roots = ROOTS_TWO,
	.defers = true,
	.reset = cr3_pending_reset,
	.need_ipi = cr3_pending_need_ipi,
	.targets = cr3_pending_targets,
	.doors_two = {cr3_pending_enter, cr3_pending_exit, cr3_pending_nmi_enter,
		      cr3_pending_nmi_exit},
};
