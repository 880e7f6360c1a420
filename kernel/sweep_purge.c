/* SPDX-License-Identifier: MIT */
/*
 * What the initiator does in a scenario, see sweep_actions.h.
 *
 * A purge either ends or asks the target for a flush; which of the two is the policy's word, and
 * both can be seen. It is stepped from the first instruction of its flush up to where it waits for
 * answers: how often it looks for those is no property of it.
 */
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp_call.h"
#include "kernel/canary.h"
#include "kernel/cpu_work.h"
#include "kernel/sweep_actions.h"
#include "kernel/sweep_await.h"

static struct {
	const struct sweep *s;
	u64 requests; /* of the initiator to the target, before */
	bool moved;
} purge;

static void move_canary(void *unused)
{
	(void)unused;
	purge.moved = canary_swap(purge.s->target, false);
}

static u64 flush_requests(const struct sweep *s)
{
	return READ_ONCE(percpu(s->initiator)->call_stats[s->target].requests[CALL_FLUSH]);
}

static bool over_or_asks(void)
{
	return cpu_work_done(purge.s->initiator) || flush_requests(purge.s) != purge.requests;
}

static void start(struct sweep *s)
{
	purge.s = s;
	purge.requests = flush_requests(s);
	cpu_work_start(s->initiator, move_canary, NULL);
}

static void await_its_wait(const struct sweep *s)
{
	SWEEP_AWAIT(over_or_asks(), s->initiator, "its purge is over or asks the stepped CPU");
}

void sweep_purge_begin(struct sweep *s)
{
	start(s);
	await_its_wait(s);
	sweep_event(s, "initiator", "purge", STEP_NOWHERE);
}

void sweep_purge_end(struct sweep *s)
{
	sweep_event(s, "initiator", "over", STEP_NOWHERE);
	cpu_work_wait(s->initiator, SWEEP_WAIT_LIMIT_MS, "the end of its purge");
	if (!purge.moved)
		s->purges_left++;
}

static bool is_done(void)
{
	return cpu_work_done(purge.s->initiator);
}

bool sweep_hold_begin(struct sweep *s, const struct place *hold)
{
	sweep_event(s, "initiator", "to", hold->position);
	step_begin(STEP_INITIATOR, hold->position);
	start(s);
	if (step_wait(STEP_INITIATOR, is_done) && step_rip(STEP_INITIATOR) == hold->rip)
		return true;
	if (step_is_stopped(STEP_INITIATOR))
		sweep_hold_release(s);
	await_its_wait(s);
	return false;
}

void sweep_hold_release(struct sweep *s)
{
	sweep_event(s, "initiator", "on", STEP_NOWHERE);
	step_release(STEP_INITIATOR, STEP_TO_THE_END);
	SWEEP_AWAIT(step_has_ended(STEP_INITIATOR), s->initiator, "it has asked everybody");
	await_its_wait(s);
}
