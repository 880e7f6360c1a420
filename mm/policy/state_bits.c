/* SPDX-License-Identifier: MIT */
/*
 * state-bits: the seed. "context_tracking,x86: Defer some IPIs until a user->kernel transition",
 * RFC v2 15/20 and 20/20 (July 2023): a work bit in the context-tracking word, gated on its context
 * bits. Corrected: N1 (v2 never compiled the clearing of the work bits); N3 (the word of a CPU that
 * does not track is not believed, v4); work bits survive NMIs (v2 cleared them there too, N5); and
 * an NMI before the flush of the entry that it interrupted flushes for itself. Other than in v2 an
 * idle CPU counts as in the kernel, and the flush is the present __flush_tlb_all(), with INVPCID.
 *
 * Why it is right in process and interrupt context. One word, two LOCKed operations:
 *
 *	initiator					target, entry
 *	clear PTEs					xadd: USER -> KERNEL, returns work
 *	cmpxchg: set TLBI while not KERNEL		if TLBI: flush all
 *							touch vmalloc
 *
 * They are ordered, one before the other. CMPXCHG first: the XADD returns the bit, and since it is
 * a full barrier the flush comes after the PTE stores are visible. XADD first: the CMPXCHG sees
 * KERNEL and an IPI goes out. There is no third case (R4 and R5 in one operation).
 *
 * Work bits are cleared on the way out to ring 3 and nowhere else. In the kernel no bit can be
 * added, so clearing late loses nothing; clearing at the end of an NMI would erase a bit that was
 * set while the NMI ran (defect N5).
 *
 * What it breaks: R6. An NMI from ring 3 executes what is owed, but leaves the context at USER, as
 * v2 did: while its handler runs the CPU still looks deferrable, a purge is deferred, and the
 * handler may read a stale translation (defect N4, Frederic Weisbecker on v4; the cure, gating on
 * the counter's parity instead, came with v5). Two claims, for two oracles see it: the canary, and
 * the generations, which find a completed purge that this CPU has not flushed.
 */
#include "mm/policy/context_tracking.h"
#include "mm/policy/ops.h"
#include "mm/policy/policy.h"

static const struct policy_claim claims[] = {
	{"N4", "nmi", "stale"},
	{"N4", "nmi", "lost"},
};

static void state_bits_reset(unsigned int cpu)
{
	struct context_tracking *ct = remote_words(cpu, struct context_tracking);

	ct->state = CT_COUNTER_ONE | CT_KERNEL;
	ct->active = true;
}

static bool state_bits_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	(void)range; /* owed work has no range: any purge becomes a full flush */
	return !ct_set_cpu_work(cpu, CT_WORK_TLBI);
}

static noinstr void state_bits_enter(void)
{
	u32 state = this_add_return32(struct context_tracking, state,
				      CT_KERNEL - CT_USER + CT_COUNTER_ONE);

	if (unlikely(state & CT_WORK_TLBI))
		drain_all_local();
}

static noinstr void state_bits_exit(void)
{
	u32 old = this_read32(struct context_tracking, state);

	while (!this_try_cmpxchg32(struct context_tracking, state, &old,
				   (old & ~CT_WORK_MASK) + CT_USER - CT_KERNEL + CT_COUNTER_ONE))
		;
}

/*
 * An NMI that strikes between the XADD of an entry and its flush finds the counter odd and the work
 * bit still there, and flushes for itself: the interrupted entry will too. Later in the kernel the
 * bit means work already done, which is done once more; NMIs are rare.
 *
 * Only the outermost NMI out of ring 3 moves the counter (even -> odd); one that strikes inside the
 * kernel, or inside another, finds it odd and has nothing to do. Returns whether it moved it. The
 * flush is no drain: the bit stays, and the drain that answers to it is the next entry's (R9).
 */
static noinstr u64 state_bits_nmi_enter(void)
{
	u32 state = this_read32(struct context_tracking, state);

	if (state & CT_COUNTER_ONE) {
		if (state & CT_WORK_TLBI)
			__flush_tlb_all();
		return 0;
	}
	state = this_add_return32(struct context_tracking, state, CT_COUNTER_ONE);
	if (state & CT_WORK_TLBI)
		__flush_tlb_all();
	return 1;
}

static noinstr void state_bits_nmi_exit(u64 moved)
{
	if (moved)
		this_add_return32(struct context_tracking, state, CT_COUNTER_ONE);
}

const struct flush_policy policy_state_bits = {
	.name = "state-bits",
	.lineage = "v2 (the seed)",
	.roots = ROOTS_ONE,
	.claims = claims,
	.nr_claims = ARRAY_SIZE(claims),
	.defers = true,
	.reset = state_bits_reset,
	.need_ipi = state_bits_need_ipi,
	.doors = {state_bits_enter, state_bits_exit, state_bits_nmi_enter, state_bits_nmi_exit},
};
