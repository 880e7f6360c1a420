/* SPDX-License-Identifier: MIT */
/*
 * generation: one global counter, as in Linux's tlb_gen, FreeBSD's pm_gen and nanos. Each purge
 * raises it; a CPU compares it at its entry with the value that it last flushed for. The initiator
 * writes nothing that belongs to a target: it reads one flag of each, which stays in the
 * initiator's cache for as long as the target sleeps in ring 3.
 *
 *	initiator			target, entry
 *	clear PTEs			in_kernel := 1 (XCHG)
 *	generation++ (LOCKed)		read generation: not what was seen: flush all, note it
 *	in_kernel 0: no IPI		touch vmalloc
 *
 * Right because both sides write, pass a full barrier, and read (Dekker). If the initiator reads
 * in_kernel 0, its read came before the target's exchange, so the target's later read of the
 * generation finds this purge's number or a newer one, and it flushes behind it (R4, R5).
 *
 * `seen` also moves when the CPU has executed a flush by IPI, so that an entry with nothing owed
 * flushes nothing; never further than that flush reaches: a flush of everything covers all numbers
 * up to its own, a ranged one its own, which may be noted only if it is the next: after ranged IPIs
 * of two initiators in the wrong order, the next entry flushes once more than it must.
 *
 * NMIs (R6): in_kernel is saved and put back. An NMI compares for itself and flushes for itself,
 * and leaves `seen` alone: the entry under it may be about to write it.
 */
#include "mm/policy/ops.h"
#include "mm/policy/policy.h"
#include "mm/policy/policy_targets.h"

struct generation_own {
	u32 in_kernel;
	u64 seen;
};

static u64 generation __policy_global;

static void generation_reset(unsigned int cpu)
{
	*remote_own(cpu, struct generation_own) = (struct generation_own){1,
									  word_read(&generation)};
}

static u64 generation_begin(const struct flush_range *range)
{
	(void)range;
	return word_add_return(&generation, 1);
}

static bool generation_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	(void)range;
	return word_read(&remote_own(cpu, struct generation_own)->in_kernel);
}

static void generation_flushed(const struct flush_range *range)
{
	u64 seen = own_read(struct generation_own, seen);

	if (range->ticket == seen + 1 || (range->full && range->ticket > seen))
		own_write(struct generation_own, seen, range->ticket);
}

static noinstr void generation_catch_up(u64 now)
{
	drain_all_local();
	own_write(struct generation_own, seen, now);
}

static __always_inline void generation_enter(void)
{
	u64 now;

	own_xchg(struct generation_own, in_kernel, 1);
	now = word_read(&generation);
	if (unlikely(own_differs(struct generation_own, seen, now)))
		generation_catch_up(now);
}

static __always_inline void generation_exit(void)
{
	own_write(struct generation_own, in_kernel, 0);
}

static __always_inline u64 generation_nmi_enter(void)
{
	u64 saved = own_xchg(struct generation_own, in_kernel, 1);

	if (own_differs(struct generation_own, seen, word_read(&generation)))
		__flush_tlb_all();
	return saved;
}

static __always_inline void generation_nmi_exit(u64 in_kernel)
{
	own_write(struct generation_own, in_kernel, (u32)in_kernel);
}

DEFINE_POLICY_DOORS(generation, generation_enter, generation_exit, generation_nmi_enter,
		    generation_nmi_exit);

DEFINE_POLICY_TARGETS(generation);

const struct flush_policy policy_generation = {
	.name = "generation",
	.lineage = "tlb_gen, pm_gen, nanos",
	.words = in_kernel_words,
	.roots = ROOTS_ONE | ROOTS_TWO,
	.defers = true,
	.reset = generation_reset,
	.begin = generation_begin,
	.need_ipi = generation_need_ipi,
	.targets = generation_targets,
	.flushed = generation_flushed,
	.doors = POLICY_DOORS_ONE(generation),
	.doors_two = POLICY_DOORS_TWO(generation),
};
