/* SPDX-License-Identifier: MIT */
/*
 * The policies of this build: a new one is its file and a line here. Selecting one.
 */
#include "mm/policy/policy.h"

#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/string.h"
#include "mm/vmalloc.h"

extern const struct flush_policy policy_immediate;
#if CONFIG_CONTEXT_TRACKING_WORK
extern const struct flush_policy policy_state_bits;
#endif

const struct flush_policy *const flush_policies[] = {
	&policy_immediate,
#if CONFIG_CONTEXT_TRACKING_WORK
	&policy_state_bits,
#endif
	NULL,
};

const struct flush_policy *flush_policy = &policy_immediate;

struct selection {
	const struct flush_policy *policy;
	const struct policy_mode *mode;
};

const struct flush_policy *find_policy(const char *name)
{
	for (const struct flush_policy *const *p = flush_policies; *p; p++)
		if (strcmp((*p)->name, name) == 0)
			return *p;
	return NULL;
}

static void select_stopped(void *arg)
{
	const struct selection *selection = arg;

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		/* A parked CPU took the interrupt in its idle context: a task would not come back
		 * through the hook that it left by. */
		BUG_ON(percpu(cpu)->current);
		memset(percpu(cpu)->policy_shared, 0, CACHE_LINE);
		memset(percpu(cpu)->policy_own, 0, CACHE_LINE);
		selection->policy->reset(cpu);
	}
	flush_policy = selection->policy;
	doors_set(selection->mode->roots == ROOTS_TWO ? &selection->policy->doors_two
						      : &selection->policy->doors,
		  selection->mode->on_task_stack);
}

const char *policy_refuses(const struct flush_policy *policy, const struct policy_mode *mode)
{
	if (!(policy->roots & mode->roots))
		return mode->roots == ROOTS_TWO ? "works with one root only (pti=off)"
						: "needs two roots (pti=on)";
	if (mode->roots == ROOTS_TWO && mode->on_task_stack)
		return "stack=task needs one root (pti=off): ring 3's root has no task stacks";
	return NULL;
}

void select_policy(const struct flush_policy *policy, const struct policy_mode *mode)
{
	struct selection selection = {policy, mode};

	BUG_ON(policy_refuses(policy, mode));
	vmalloc_release_all_held();
	stop_cpus(select_stopped, &selection);
}
