/* SPDX-License-Identifier: MIT */
/*
 * The explorer's controls, see controls.h. One sound base, which flushes at every entry, and one
 * change each.
 */
#include "tests/explorer/controls.h"

#include "mm/policy/ops.h"

struct control {
	u32 in_kernel;
};

static void reset(unsigned int cpu)
{
	remote_own(cpu, struct control)->in_kernel = 1;
}

static bool need_ipi(unsigned int cpu, const struct flush_range *range)
{
	(void)range;
	return word_read(&remote_own(cpu, struct control)->in_kernel);
}

static void enter(void)
{
	own_xchg(struct control, in_kernel, 1);
	drain_all_local();
}

static void exit_(void)
{
	own_write(struct control, in_kernel, 0);
}

static u64 nmi_enter(void)
{
	u64 saved = own_xchg(struct control, in_kernel, 1);

	__flush_tlb_all();
	return saved;
}

static void nmi_exit(u64 saved)
{
	own_write(struct control, in_kernel, (u32)saved);
}

/* Waits in the danger zone for what nobody will write. */
static void enter_endless(void)
{
	while (!own_read(struct control, in_kernel))
		;
}

static void enter_idling(void)
{
	volatile bool waiting = true;

	while (waiting)
		;
}

static bool everybody_needs_it(unsigned int cpu, const struct flush_range *range)
{
	(void)cpu;
	(void)range;
	return true;
}

/* Differs from need_ipi(): nobody is interrupted, the initiator's own flush apart. */
static void forgets_everybody(const struct flush_range *range, struct cpumask *mask)
{
	cpumask_set(mask, range->initiator);
}

/* Differs the other way. */
static void targets_everybody(const struct flush_range *range, struct cpumask *mask)
{
	(void)range;
	mask->bits[0] = BIT(nr_online_cpus()) - 1;
}

static bool nobody_lags(unsigned int cpu, u64 generation)
{
	(void)cpu;
	(void)generation;
	return false;
}

static const struct policy_claim too_much[] = {{"X0", "process", "lost"}};

#define BASE                                                                                       \
	.lineage = "a control", .roots = ROOTS_ONE, .defers = true, .eager = true,                 \
	.control = true, .reset = reset

static const struct flush_policy sound = {BASE, .name = "control-sound", .need_ipi = need_ipi,
					  .doors = {enter, exit_, nmi_enter, nmi_exit}};
static const struct flush_policy disturbs = {BASE, .name = "control-disturbs",
					     .need_ipi = everybody_needs_it,
					     .doors = {enter, exit_, nmi_enter, nmi_exit}};
static const struct flush_policy endless = {BASE, .name = "control-endless", .need_ipi = need_ipi,
					    .doors = {enter_endless, exit_, nmi_enter, nmi_exit}};
static const struct flush_policy idling = {BASE, .name = "control-idling", .need_ipi = need_ipi,
					   .doors = {enter_idling, exit_, nmi_enter, nmi_exit}};
static const struct flush_policy releases = {BASE, .name = "control-releases", .need_ipi = need_ipi,
					     .lags = nobody_lags,
					     .doors = {enter, exit_, nmi_enter, nmi_exit}};
static const struct flush_policy forgets = {BASE, .name = "control-forgets", .need_ipi = need_ipi,
					    .targets = forgets_everybody,
					    .doors = {enter, exit_, nmi_enter, nmi_exit}};
static const struct flush_policy asks_all = {BASE, .name = "control-asks-all", .need_ipi = need_ipi,
					     .targets = targets_everybody,
					     .doors = {enter, exit_, nmi_enter, nmi_exit}};
static const struct flush_policy claims_more = {BASE,
						.name = "control-claims",
						.need_ipi = need_ipi,
						.claims = too_much,
						.nr_claims = ARRAY_SIZE(too_much),
						.doors = {enter, exit_, nmi_enter, nmi_exit}};

const struct flush_policy *const explorer_controls[] = {
	&sound, &disturbs, &endless, &idling, &releases, &forgets, &asks_all, &claims_more, NULL};
