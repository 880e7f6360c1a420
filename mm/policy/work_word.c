/* SPDX-License-Identifier: MIT */
/*
 * work-word: v1 of the series (RFC, 5 July 2023), known through its replies: a word of its own for
 * deferred work beside the context-tracking state, with a marker DISABLED while the CPU is in the
 * kernel. One fully ordered operation more a transition than state-bits; Frederic Weisbecker's
 * reply ("one atomic") led to v2.
 *
 *	initiator				target, entry
 *	clear PTEs				xadd: set DISABLED, returns work
 *	cmpxchg: set TLBI unless DISABLED	if TLBI: flush all
 *						touch vmalloc
 *
 * Right as state-bits is: two LOCKed operations on one word, one before the other. And right under
 * NMIs where the sketch that exchanges the word is not: the entry leaves TLBI in the word until the
 * exit's exchange. An NMI between the two finds DISABLED with TLBI and flushes for itself; an NMI
 * out of ring 3 sets DISABLED first, so nothing is deferred while its handler runs (no N4).
 */
#include "mm/policy/ops.h"
#include "mm/policy/policy.h"
#include "mm/policy/policy_targets.h"

#define WORK_TLBI     1U
#define WORK_DISABLED (1U << 31)

struct work_word {
	u32 work;
};

static void work_word_reset(unsigned int cpu)
{
	remote_words(cpu, struct work_word)->work = WORK_DISABLED;
}

static bool work_word_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	u32 *word = &remote_words(cpu, struct work_word)->work;
	u32 old = word_read(word);

	(void)range;
	while (!(old & WORK_DISABLED))
		if (word_try_cmpxchg(word, &old, old | WORK_TLBI))
			return false;
	return true;
}

static __always_inline void work_word_enter(void)
{
	if (this_add_return(struct work_word, work, WORK_DISABLED) & WORK_TLBI)
		drain_all_local();
}

static __always_inline void work_word_exit(void)
{
	this_xchg(struct work_word, work, 0);
}

static __always_inline u64 work_word_nmi_enter(void)
{
	u32 work = this_read(struct work_word, work);

	if (!(work & WORK_DISABLED)) {
		work_word_enter();
		return 1;
	}
	if (work & WORK_TLBI) /* the entry under this NMI may not have flushed yet */
		__flush_tlb_all();
	return 0;
}

static __always_inline void work_word_nmi_exit(u64 from_ring3)
{
	if (from_ring3)
		work_word_exit();
}

DEFINE_POLICY_DOORS(work_word, work_word_enter, work_word_exit, work_word_nmi_enter,
		    work_word_nmi_exit);

static const struct policy_word work_words[] = {
	{.name = "work", .shift = 0, .bits = 31, .values = {"none", "TLBI"}},
	{.name = "disabled", .shift = 31, .bits = 1, .values = {"no", "yes"}},
	{.name = NULL},
};

DEFINE_POLICY_TARGETS(work_word);

const struct flush_policy policy_work_word = {
	.name = "work-word",
	.lineage = "v1",
	.words = work_words,
	.roots = ROOTS_ONE | ROOTS_TWO,
	.defers = true,
	.reset = work_word_reset,
	.need_ipi = work_word_need_ipi,
	.targets = work_word_targets,
	.doors = POLICY_DOORS_ONE(work_word),
	.doors_two = POLICY_DOORS_TWO(work_word),
};
