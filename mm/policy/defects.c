/* SPDX-License-Identifier: MIT */
/*
 * defect=N1..N9: each posted defect alone, as one changed function over a corrected base, so that
 * what is found under it has that one cause. The bases are state_bits.c, watching.c and cr3_flag.c;
 * where the defects come from stands in posted_v2.c to posted_v6.c and v8_unsaved.c.
 *
 *	N1  state-bits	the exit does not clear the work bits
 *	N2  state-bits	the setter begins with a CMPXCHG of the unmasked read
 *	N3  state-bits	the setter does not ask whether the CPU tracks its context
 *	N4  watching	the gate is on the context bits, which NMIs leave at USER
 *	N5  state-bits	the end of an NMI clears the work bits
 *	N6  watching	the first guess is made by |= instead of &= ~
 *	N7  cr3-flag	the flag goes up after the flush
 *	N8  cr3-flag	NMIs decide by CR3 alone
 *	N9  cr3-flag	the end of an NMI writes the flag as a constant
 *
 * Base state-bits has N4 itself, so that its claim comes along with N1, N2, N3 and N5. And N4 takes
 * state-bits' NMI hooks with its gate, for with watching's, which clear the bits, it would be N5.
 */
#include "mm/policy/defects.h"

#include "arch/x86_64/string.h"
#include "mm/policy/context_tracking.h"
#include "mm/policy/cr3_flag.h"
#include "mm/policy/policy.h"

#define OF_BASE_N4                                                                                 \
	{"N4", "nmi", "stale"},                                                                    \
	{                                                                                          \
		"N4", "nmi", "lost"                                                                \
	}

static bool by_context(unsigned int cpu, const struct flush_range *range)
{
	(void)range;
	return !ct_set_cpu_work(cpu, CT_WORK_TLBI);
}

/* --- N1 ------------------------------------------------------------------------------------- */

DEFINE_POLICY_DOORS(n1, ct_enter, ct_exit_sticky, ct_nmi_enter, ct_nmi_exit);

/* --- N2, N3 ---------------------------------------------------------------------------------- */

static bool n2_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	struct context_tracking *ct = remote_words(cpu, struct context_tracking);
	u32 old = word_read(&ct->state);
	bool recorded;

	(void)range;
	if (!ct->active)
		return true;
	do {
		recorded = word_try_cmpxchg(&ct->state, &old, old | CT_WORK_TLBI);
	} while (!recorded && (old & CT_STATE_MASK) != CT_KERNEL);
	return !recorded;
}

static bool n3_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	struct context_tracking *ct = remote_words(cpu, struct context_tracking);
	u32 old = word_read(&ct->state);

	(void)range;
	while ((old & CT_STATE_MASK) != CT_KERNEL)
		if (word_try_cmpxchg(&ct->state, &old, old | CT_WORK_TLBI))
			return false;
	return true;
}

DEFINE_POLICY_DOORS(plain, ct_enter, ct_exit, ct_nmi_enter, ct_nmi_exit);

/* --- N4, N5, N6 ------------------------------------------------------------------------------ */

/* watching's NMI may clear the bits because none can be set meanwhile; gated like this some can. */
DEFINE_POLICY_DOORS(clearing, ct_enter, ct_exit, ct_nmi_enter_draining, ct_nmi_exit_clearing);

static bool n6_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	struct context_tracking *ct = remote_words(cpu, struct context_tracking);
	bool recorded;
	u32 old;

	(void)range;
	if (!ct->active)
		return true;
	old = word_read(&ct->state) | CT_WATCHING;
	do {
		recorded = word_try_cmpxchg(&ct->state, &old, old | CT_WORK_TLBI);
	} while (!recorded && !(old & CT_WATCHING));
	return !recorded;
}

/* --- N7, N8, N9 ------------------------------------------------------------------------------ */

static noinstr void flag_enter(void)
{
	cr3_flag_enter();
}

static noinstr void flag_exit(void)
{
	cr3_flag_exit();
}

static noinstr u64 flag_nmi_enter(void)
{
	return cr3_flag_nmi_enter();
}

static noinstr void flag_nmi_exit(u64 saved)
{
	cr3_flag_nmi_exit(saved);
}

static noinstr void n7_enter(void)
{
	drain_by_root_switch_local();
	own_write(struct cr3_flag, kernel_cr3_loaded, 1);
}

/* The saved flag is put back all the same, so N9 is not in this one. */
static noinstr u64 n8_nmi_enter(void)
{
	u64 saved = own_read(struct cr3_flag, kernel_cr3_loaded) & CR3_FLAG_SAVED_FLAG;

	if (!on_ring3_root())
		return saved;
	own_xchg(struct cr3_flag, kernel_cr3_loaded, 1);
	flush_by_root_switch_local();
	return saved | CR3_FLAG_SAVED_RING3;
}

static noinstr void n9_nmi_exit(u64 saved)
{
	if (saved & CR3_FLAG_SAVED_RING3) {
		own_write(struct cr3_flag, kernel_cr3_loaded, 0);
		switch_root_noflush(ROOT_RING3);
	} else {
		cr3_flag_nmi_exit(saved);
	}
}

/* --- The table ------------------------------------------------------------------------------- */

#define CLAIMS(...)                                                                                \
	.claims = (const struct policy_claim[]){__VA_ARGS__},                                      \
	.nr_claims = sizeof((const struct policy_claim[]){__VA_ARGS__}) /                          \
		     sizeof(struct policy_claim)
#define ON_CONTEXT_WORD(id, base)                                                                  \
	.name = base "+" id, .lineage = "defect=" id, .roots = ROOTS_ONE | ROOTS_TWO,              \
	.defers = true, .reset = ct_reset, .words = ct_words, .stop_tracking = ct_stop_tracking
#define ON_CR3_FLAG(id)                                                                            \
	.name = "cr3-flag+" id, .lineage = "defect=" id, .roots = ROOTS_TWO, .defers = true,       \
	.eager = true, .reset = cr3_flag_reset, .words = cr3_flag_words,                           \
	.need_ipi = cr3_flag_need_ipi

static const struct flush_policy defects[] = {
	{ON_CONTEXT_WORD("N1", "state-bits"), .need_ipi = by_context, .doors = POLICY_DOORS_ONE(n1),
	 .doors_two = POLICY_DOORS_TWO(n1), CLAIMS({"N1", "process", "spurious"}, OF_BASE_N4)},
	{ON_CONTEXT_WORD("N2", "state-bits"), .need_ipi = n2_need_ipi,
	 .doors = POLICY_DOORS_ONE(plain), .doors_two = POLICY_DOORS_TWO(plain),
	 CLAIMS({"N2", "process", "stale"}, {"N2", "process", "lost"}, OF_BASE_N4)},
	{ON_CONTEXT_WORD("N3", "state-bits"), .need_ipi = n3_need_ipi,
	 .doors = POLICY_DOORS_ONE(plain), .doors_two = POLICY_DOORS_TWO(plain),
	 CLAIMS({"N3", "process", "lost"}, OF_BASE_N4)},
	{ON_CONTEXT_WORD("N4", "watching"), .need_ipi = by_context,
	 .doors = POLICY_DOORS_ONE(plain), .doors_two = POLICY_DOORS_TWO(plain),
	 CLAIMS(OF_BASE_N4)},
	{ON_CONTEXT_WORD("N5", "state-bits"), .need_ipi = by_context,
	 .doors = POLICY_DOORS_ONE(clearing), .doors_two = POLICY_DOORS_TWO(clearing),
	 CLAIMS({"N5", "process", "stale"}, {"N5", "process", "lost"}, OF_BASE_N4)},
	{ON_CONTEXT_WORD("N6", "watching"), .need_ipi = n6_need_ipi,
	 .doors = POLICY_DOORS_ONE(clearing), .doors_two = POLICY_DOORS_TWO(clearing),
	 CLAIMS({"N6", "process", "stale"}, {"N6", "process", "lost"}, {"N6", "nmi", "stale"},
		{"N6", "nmi", "lost"})},
	{ON_CR3_FLAG("N7"), .doors_two = {n7_enter, flag_exit, flag_nmi_enter, flag_nmi_exit},
	 CLAIMS({"N7", "process", "stale"}, {"N7", "process", "lost"})},
	{ON_CR3_FLAG("N8"), .doors_two = {flag_enter, flag_exit, n8_nmi_enter, flag_nmi_exit},
	 CLAIMS({"N8", "nmi", "lost"}, {"N8", "nmi", "stale"})},
	{ON_CR3_FLAG("N9"), .doors_two = {flag_enter, flag_exit, flag_nmi_enter, n9_nmi_exit},
	 .speculative = "N9",
	 CLAIMS({"N9", "process", "stale"}, {"N9", "process", "lost"}, {"N9", "nmi", "stale"},
		{"N9", "nmi", "lost"})},
};

const struct flush_policy *find_defect(const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(defects); i++) {
		const char *lineage = defects[i].lineage;

		if (strcmp(lineage + strlen("defect="), id) == 0)
			return &defects[i];
	}
	return NULL;
}
