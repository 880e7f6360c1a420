/* SPDX-License-Identifier: MIT */
/*
 * The initiator's two gates, see context_tracking.h. Both believe only the word of a CPU that
 * tracks its context (`active`: v4's cure of N3). The defects N2 and N6 are what these loops become
 * by one wrong operator each: defects.c has them.
 */
#include "mm/policy/context_tracking.h"

bool ct_set_cpu_work(unsigned int cpu, u32 work)
{
	struct context_tracking *ct = remote_words(cpu, struct context_tracking);
	bool recorded = false;
	u32 old;

	if (!ct->active)
		return false;
	old = word_read(&ct->state);
	while (!recorded && (old & CT_STATE_MASK) != CT_KERNEL)
		recorded = word_try_cmpxchg(&ct->state, &old, old | work);
	return recorded;
}

bool ct_set_cpu_work_unless_watching(unsigned int cpu, u32 work)
{
	struct context_tracking *ct = remote_words(cpu, struct context_tracking);
	bool recorded;
	u32 old;

	if (!ct->active)
		return false;
	old = word_read(&ct->state) & ~CT_WATCHING;
	do {
		recorded = word_try_cmpxchg(&ct->state, &old, old | work);
	} while (!recorded && !(old & CT_WATCHING));
	return recorded;
}
