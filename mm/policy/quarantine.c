/* SPDX-License-Identifier: MIT */
/*
 * quarantine: LATR (ASPLOS'18), LUF, and the one software design that stays inside the SDM's
 * allowance (Vol 3, 4.10.4.4: an invalidation may be delayed if neither the addresses nor the
 * memory behind them are reallocated meanwhile). Deferral is that of generation.c; in addition the
 * addresses of a purge, and the frames that vfree() gave up, rest until every CPU has flushed.
 * Frames given to vmap() are the caller's and do not rest. What rests is bounded: over the bound
 * the laggards are interrupted (mm/vmap_hold.c), and that is counted.
 *
 * So a stale translation, even one that the danger zone or a speculative access were to use, leads
 * to memory that has no new owner: R7 by construction instead of by R1 to R6. The price is memory
 * held by a CPU that never enters the kernel, and an IPI to it when there is too much.
 *
 * The numbers are those of the purges themselves, so that mm/ can ask who lags. `newest` only
 * grows. A purge with a smaller number than the newest cleared its PTEs before the newer number was
 * taken, so a flush that follows a look at the newest covers both.
 *
 * `seen` moves with every flush of everything, by entry or by IPI; with a ranged one only if that
 * was the next number. A CPU that executes ranged flushes out of order lags for longer than it has
 * to: that costs memory, and at the bound an IPI that others did not need. NMIs: as in
 * generation.c.
 */
#include "mm/policy/ops.h"
#include "mm/policy/policy.h"
#include "mm/policy/policy_targets.h"

struct quarantine_own {
	u32 in_kernel;
	u64 seen; /* read by mm/, through lags() */
};

static u64 newest __policy_global;

static void quarantine_reset(unsigned int cpu)
{
	*remote_own(cpu, struct quarantine_own) = (struct quarantine_own){1, word_read(&newest)};
}

static u64 quarantine_begin(const struct flush_range *range)
{
	u64 old = word_read(&newest);

	while (old < range->generation && !word_try_cmpxchg(&newest, &old, range->generation))
		;
	return range->generation;
}

static bool quarantine_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	(void)range;
	return word_read(&remote_own(cpu, struct quarantine_own)->in_kernel);
}

static void quarantine_flushed(const struct flush_range *range)
{
	u64 seen = own_read(struct quarantine_own, seen);

	if (range->generation == seen + 1 || (range->full && range->generation > seen))
		own_write(struct quarantine_own, seen, range->generation);
}

static bool quarantine_lags(unsigned int cpu, u64 generation)
{
	return word_read_acquire(&remote_own(cpu, struct quarantine_own)->seen) < generation;
}

/* `seen` may be ahead: an undeferrable flush has a number too, which `newest` does not know. */
static noinstr void quarantine_catch_up(u64 now)
{
	if (now < own_read(struct quarantine_own, seen))
		return;
	drain_all_local();
	own_write(struct quarantine_own, seen, now);
}

static __always_inline void quarantine_enter(void)
{
	u64 now;

	own_xchg(struct quarantine_own, in_kernel, 1);
	now = word_read(&newest);
	if (unlikely(own_differs(struct quarantine_own, seen, now)))
		quarantine_catch_up(now);
}

static __always_inline void quarantine_exit(void)
{
	own_write(struct quarantine_own, in_kernel, 0);
}

static __always_inline u64 quarantine_nmi_enter(void)
{
	u64 saved = own_xchg(struct quarantine_own, in_kernel, 1);

	if (word_read(&newest) > own_read(struct quarantine_own, seen))
		__flush_tlb_all();
	return saved;
}

static __always_inline void quarantine_nmi_exit(u64 in_kernel)
{
	own_write(struct quarantine_own, in_kernel, (u32)in_kernel);
}

DEFINE_POLICY_DOORS(quarantine, quarantine_enter, quarantine_exit, quarantine_nmi_enter,
		    quarantine_nmi_exit);

DEFINE_POLICY_TARGETS(quarantine);

const struct flush_policy policy_quarantine = {
	.name = "quarantine",
	.lineage = "LATR, LUF, SDM 4.10.4.4",
	.words = in_kernel_words,
	.roots = ROOTS_ONE | ROOTS_TWO,
	.defers = true,
	.reset = quarantine_reset,
	.begin = quarantine_begin,
	.need_ipi = quarantine_need_ipi,
	.targets = quarantine_targets,
	.flushed = quarantine_flushed,
	.lags = quarantine_lags,
	.doors = POLICY_DOORS_ONE(quarantine),
	.doors_two = POLICY_DOORS_TWO(quarantine),
};
