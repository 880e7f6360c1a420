/* SPDX-License-Identifier: MIT */
/*
 * Flush generations, see tlb_gen.h.
 *
 * Purges end in any order, so "completed" is a ring of flags beside the newest completed number:
 * slot n % RING holds n once purge n is over. The check looks only at numbers that the CPU has
 * not covered, which is none in the common case: one comparison.
 */
#include "arch/x86_64/tlb_gen.h"

#define RING 1024

/* Read by drains, in the danger zone. */
static u64 issued __aligned(CACHE_LINE) __section(".entry.data");
u64 tlb_gen_newest_completed __aligned(CACHE_LINE);
static u64 completed[RING];

u64 tlb_gen_issue(void)
{
	return __atomic_add_fetch(&issued, 1, __ATOMIC_SEQ_CST);
}

noinstr u64 tlb_gen_issued(void)
{
	return __atomic_load_n(&issued, __ATOMIC_ACQUIRE);
}

void tlb_gen_complete(u64 gen)
{
	u64 newest = __atomic_load_n(&tlb_gen_newest_completed, __ATOMIC_RELAXED);

	__atomic_store_n(&completed[gen % RING], gen, __ATOMIC_RELEASE);
	while (newest < gen &&
	       !__atomic_compare_exchange_n(&tlb_gen_newest_completed, &newest, gen, false,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

noinstr void tlb_gen_cover_all(struct tlb_gen_cpu *cpu, u64 upto)
{
	u64 covered = READ_ONCE(cpu->covered);

	/* An NMI may have covered more since this flush looked: never backwards. */
	while (upto > covered && !__atomic_compare_exchange_n(&cpu->covered, &covered, upto, false,
							      __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static __always_inline bool is_ahead(const struct tlb_gen_cpu *cpu, u64 n)
{
	return cpu->ahead[n % TLB_GEN_WINDOW] == n;
}

noinstr void tlb_gen_cover_one(struct tlb_gen_cpu *cpu, u64 gen)
{
	cpu->ahead[gen % TLB_GEN_WINDOW] = gen;
	while (is_ahead(cpu, cpu->covered + 1))
		WRITE_ONCE(cpu->covered, cpu->covered + 1);
}

u64 tlb_gen_uncovered(const struct tlb_gen_cpu *cpu)
{
	u64 newest = __atomic_load_n(&tlb_gen_newest_completed, __ATOMIC_ACQUIRE);
	u64 oldest = cpu->covered + 1;
	u64 count = 0;

	if (likely(newest < oldest))
		return 0;
	if (newest - oldest >= RING)
		oldest = newest - RING + 1; /* older ones have left the ring: count those in it */
	for (u64 n = oldest; n <= newest; n++) {
		bool over = __atomic_load_n(&completed[n % RING], __ATOMIC_ACQUIRE) == n;

		if (over && !is_ahead(cpu, n))
			count++;
	}
	return count;
}
