/* SPDX-License-Identifier: MIT */
/*
 * posted-v4: v4 22/30 to 24/30 and 28/30 (14 January 2025) as posted. The context values are
 * one-hot (23/30) so that KERNEL is a bit of its own; the setter masks it out of its first guess
 * (N2 cured), and asks whether the CPU tracks at all (N3 cured); work bits are cleared (N1 cured).
 *
 * N5. 22/30 moves the context in ct_nmi_enter() too, by KERNEL - IDLE, on the assumption that it
 *     can only come from IDLE. From USER (4) that makes 3, which is not KERNEL (1): Linux warns,
 *     and the setter's second CMPXCHG succeeds while the NMI handler runs (as N4). ct_nmi_exit()
 *     then puts 4 back and clears the work bits: the bit that was set meanwhile is erased and never
 *     executed, not in the NMI and not at the next entry (R4, R6). An inference from the patches;
 *     nobody on the list said it.
 * X2. As in v2, an NMI between an entry's XADD and its flush does nothing.
 */
#include "mm/policy/ops.h"
#include "mm/policy/policy.h"

#define V4_KERNEL     1U
#define V4_IDLE	      2U
#define V4_USER	      4U
#define V4_STATE_MASK 15U
#define V4_WORK_TLBI  (2U << 4)
#define V4_WORK_MASK  (3U << 4)
#define V4_COUNTER    (1U << 6)

struct v4_context_tracking {
	u32 state;
	bool active;
};

static const struct policy_claim claims[] = {
	{"N5", "nmi", "stale"},	   {"N5", "nmi", "lost"},  {"N5", "process", "stale"},
	{"N5", "process", "lost"}, {"X2", "nmi", "stale"}, {"X2", "nmi", "lost"},
};

static void v4_reset(unsigned int cpu)
{
	struct v4_context_tracking *ct = remote_words(cpu, struct v4_context_tracking);

	ct->state = V4_COUNTER | V4_KERNEL;
	ct->active = true;
}

static void v4_stop_tracking(unsigned int cpu)
{
	struct v4_context_tracking *ct = remote_words(cpu, struct v4_context_tracking);

	ct->state = V4_USER;
	ct->active = false;
}

static bool v4_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	struct v4_context_tracking *ct = remote_words(cpu, struct v4_context_tracking);
	bool recorded;
	u32 old;

	(void)range;
	if (!ct->active)
		return true;
	old = word_read(&ct->state) & ~V4_KERNEL;
	do {
		recorded = word_try_cmpxchg(&ct->state, &old, old | V4_WORK_TLBI);
	} while (!recorded && (old & V4_STATE_MASK) != V4_KERNEL);
	return !recorded;
}

static __always_inline void v4_enter(void)
{
	u32 state = this_add_return(struct v4_context_tracking, state,
				    V4_KERNEL - V4_USER + V4_COUNTER);

	if (state & V4_WORK_TLBI)
		drain_all_local();
}

/* ct_state_inc_clear_work() */
static __always_inline void v4_add_clearing(u32 offset)
{
	u32 old = this_read(struct v4_context_tracking, state);

	while (!this_try_cmpxchg(struct v4_context_tracking, state, &old,
				 (old & ~V4_WORK_MASK) + offset))
		;
}

static __always_inline void v4_exit(void)
{
	v4_add_clearing(V4_USER - V4_KERNEL + V4_COUNTER);
}

static __always_inline u64 v4_nmi_enter(void)
{
	u32 state = this_read(struct v4_context_tracking, state);

	if (state & V4_COUNTER) /* odd: watching */
		return 0;
	state = this_add_return(struct v4_context_tracking, state,
				V4_KERNEL - V4_IDLE + V4_COUNTER);
	if (state & V4_WORK_TLBI)
		drain_all_local();
	return 1;
}

static __always_inline void v4_nmi_exit(u64 moved)
{
	if (moved)
		v4_add_clearing(V4_IDLE - V4_KERNEL + V4_COUNTER);
}

DEFINE_POLICY_DOORS(v4, v4_enter, v4_exit, v4_nmi_enter, v4_nmi_exit);

static const struct policy_word v4_words[] = {
	{.name = "context",
	 .shift = 0,
	 .bits = 4,
	 .values = {"none", "KERNEL", "IDLE", NULL, "USER"}},
	{.name = "work", .shift = 4, .bits = 2, .values = {"none", "SYNC", "TLBI", "SYNC+TLBI"}},
	{.name = "count", .shift = 6, .bits = 26},
	{.name = NULL},
};

const struct flush_policy policy_posted_v4 = {
	.name = "posted-v4",
	.lineage = "v4, as posted",
	.words = v4_words,
	.roots = ROOTS_ONE | ROOTS_TWO,
	.claims = claims,
	.nr_claims = ARRAY_SIZE(claims),
	.defers = true,
	.reset = v4_reset,
	.stop_tracking = v4_stop_tracking,
	.need_ipi = v4_need_ipi,
	.doors = POLICY_DOORS_ONE(v4),
	.doors_two = POLICY_DOORS_TWO(v4),
};
