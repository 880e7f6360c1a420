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
 * the counter's parity instead, came with v5).
 */
#include "mm/policy/context_tracking.h"
#include "mm/policy/policy.h"
#include "mm/policy/policy_targets.h"

static const struct policy_claim claims[] = {
	{"N4", "nmi", "stale"},
	{"N4", "nmi", "lost"},
};

static bool state_bits_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	(void)range; /* owed work has no range: any purge becomes a full flush */
	return !ct_set_cpu_work(cpu, CT_WORK_TLBI);
}

DEFINE_POLICY_DOORS(state_bits, ct_enter, ct_exit, ct_nmi_enter, ct_nmi_exit);

DEFINE_POLICY_TARGETS(state_bits);

const struct flush_policy policy_state_bits = {
	.name = "state-bits",
	.lineage = "v2 (the seed)",
	.words = ct_words,
	.roots = ROOTS_ONE | ROOTS_TWO,
	.claims = claims,
	.nr_claims = ARRAY_SIZE(claims),
	.defers = true,
	.reset = ct_reset,
	.stop_tracking = ct_stop_tracking,
	.need_ipi = state_bits_need_ipi,
	.targets = state_bits_targets,
	.doors = POLICY_DOORS_ONE(state_bits),
	.doors_two = POLICY_DOORS_TWO(state_bits),
};
