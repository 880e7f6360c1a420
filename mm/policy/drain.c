/* SPDX-License-Identifier: MIT */
/*
 * What a policy does when work is owed: see ops.h. noinstr, interrupts off, any stale translation
 * may still be in the TLB.
 */
#include "mm/policy/ops.h"

noinstr void drain_all_local(void)
{
	struct percpu *cpu = this_cpu();

	cpu->tlb.nr_drains++;
	if (unlikely(broken & BREAK_DRAIN))
		return;
	__flush_tlb_all();
}
