/* SPDX-License-Identifier: MIT */
/*
 * fancy-state: Andy Lutomirski's proposal on v7 ("fancy_cpu_state"), without the pins. Work and
 * status are two halves of one 64-bit word. Status is KERNEL, USER or INDETERMINATE: a CPU that
 * has made no promise (here: one that is not isolated) leaves by INDETERMINATE, is always sent the
 * IPI, and enters by a plain store; only a CPU that is committed to ring 3 pays for the exchange.
 *
 * Right because work and status change hands together. The initiator's CMPXCHG of the whole word
 * succeeds on {work, USER} only; the entry's XCHG takes the work and leaves {0, KERNEL}. Whichever
 * comes first, the other sees it. Order of stores: the exit releases USER after everything the
 * kernel did (TSO), the entry's exchange is a full barrier before the flush.
 *
 * NMIs (R6): between the exchange and the flush the work is in a register of the entry, and nothing
 * in memory says so. An NMI therefore always flushes: NMIs are rare, and a test that is wrong once
 * costs more. It exchanges the word as an entry does and puts the status back.
 *
 * The initiator's 64-bit CMPXCHG beside the exit's 32-bit store is what he called a portability
 * worry; on x86 both are single accesses to one aligned line.
 */
#include "arch/x86_64/cpumask.h"
#include "mm/policy/ops.h"
#include "mm/policy/policy.h"
#include "mm/policy/policy_targets.h"

#define STATUS(s)     ((u64)(s) << 32)
#define KERNEL	      0U
#define USER	      1U
#define INDETERMINATE 2U
#define WORK_FLUSH    1UL

union fancy_cpu_state {
	u64 whole;
	struct {
		u32 work;
		u32 status;
	};
};

struct fancy_own {
	u32 exit_status; /* USER if the CPU is committed to ring 3 */
};

static void fancy_reset(unsigned int cpu)
{
	remote_words(cpu, union fancy_cpu_state)->whole = STATUS(KERNEL);
	remote_own(cpu, struct fancy_own)->exit_status = cpu_is_isolated(cpu) ? USER
									      : INDETERMINATE;
}

static bool fancy_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	u64 *word = &remote_words(cpu, union fancy_cpu_state)->whole;
	u64 old = word_read(word);

	(void)range;
	while (old >> 32 == USER)
		if (word_try_cmpxchg(word, &old, old | WORK_FLUSH))
			return false;
	return true;
}

static __always_inline void fancy_enter(void)
{
	if (this_read(union fancy_cpu_state, status) == INDETERMINATE)
		this_write(union fancy_cpu_state, status, KERNEL);
	else if (this_xchg(union fancy_cpu_state, whole, STATUS(KERNEL)) & WORK_FLUSH)
		drain_all_local();
}

static __always_inline void fancy_exit(void)
{
	this_write(union fancy_cpu_state, status, own_read(struct fancy_own, exit_status));
}

static __always_inline u64 fancy_nmi_enter(void)
{
	u64 prior = this_xchg(union fancy_cpu_state, whole, STATUS(KERNEL));

	if (prior & WORK_FLUSH)
		drain_all_local();
	else
		__flush_tlb_all();
	return prior >> 32;
}

static __always_inline void fancy_nmi_exit(u64 status)
{
	this_write(union fancy_cpu_state, status, (u32)status);
}

DEFINE_POLICY_DOORS(fancy, fancy_enter, fancy_exit, fancy_nmi_enter, fancy_nmi_exit);

static const struct policy_word fancy_words[] = {
	{.name = "work", .shift = 0, .bits = 32, .values = {"none", "flush"}},
	{.name = "status", .shift = 32, .bits = 32, .values = {"KERNEL", "USER", "INDETERMINATE"}},
	{.name = NULL},
};

DEFINE_POLICY_TARGETS(fancy);

const struct flush_policy policy_fancy_state = {
	.name = "fancy-state",
	.lineage = "Andy Lutomirski's proposal",
	.words = fancy_words,
	.roots = ROOTS_ONE | ROOTS_TWO,
	.defers = true,
	.reset = fancy_reset,
	.need_ipi = fancy_need_ipi,
	.targets = fancy_targets,
	.doors = POLICY_DOORS_ONE(fancy),
	.doors_two = POLICY_DOORS_TWO(fancy),
};
