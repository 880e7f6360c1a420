/* SPDX-License-Identifier: MIT */
/*
 * ct_set_cpu_work(), as v2 has it but for v4's look at `active` (defect N3): the loop starts from a
 * plain read and enters the CMPXCHG only for a word that does not say KERNEL.
 *
 * The plain read may be old. If it says KERNEL for a CPU that has just left, the answer is one IPI
 * too many, never a lost flush. If it says USER for a CPU that has just entered, the CMPXCHG fails
 * (the counter alone makes the words differ) and returns the new word, which ends the loop.
 *
 * v3 turned the while into a do-while to narrow the first window. Its first CMPXCHG then compares
 * with the unmasked read, succeeds on a CPU in the kernel, and the flush is lost (defect N2).
 */
#include "mm/policy/context_tracking.h"

#include "mm/policy/ops.h"

bool ct_set_cpu_work(unsigned int cpu, u32 work)
{
	struct context_tracking *ct = remote_words(cpu, struct context_tracking);
	u32 old;
	bool recorded = false;

	if (!ct->active)
		return false;
	old = remote_read32(&ct->state);
	while (!recorded && (old & CT_STATE_MASK) != CT_KERNEL)
		recorded = remote_try_cmpxchg32(&ct->state, &old, old | work);
	return recorded;
}
