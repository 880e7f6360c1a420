/* SPDX-License-Identifier: MIT */
/*
 * The policies of this build: a new one is its file and a line here. Selecting one.
 */
#include "mm/policy/policy.h"

#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/roots.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/tlb.h"
#include "mm/vmalloc.h"

/* Sound ones in the order of the lineage, then those that are not. */
#define DEFERRING_POLICIES(X)                                                                      \
	X(work_word)                                                                               \
	X(state_bits)                                                                              \
	X(watching)                                                                                \
	X(cr3_flag)                                                                                \
	X(cr3_pending)                                                                             \
	X(fancy_state)                                                                             \
	X(range_list)                                                                              \
	X(generation)                                                                              \
	X(quarantine)                                                                              \
	X(ledger)                                                                                  \
	X(broadcast)                                                                               \
	X(exit_flush)                                                                              \
	X(cr3_drain)                                                                               \
	X(posted_v2)                                                                               \
	X(posted_v3)                                                                               \
	X(posted_v4)                                                                               \
	X(posted_v5)                                                                               \
	X(posted_v6)                                                                               \
	X(v8_unsaved)

/* NEW=FILE of the build: a policy from outside the tree. */
#ifdef NEW_POLICY
extern const struct flush_policy NEW_POLICY;
#define NEW_POLICIES &NEW_POLICY,
#else
#define NEW_POLICIES
#endif

extern const struct flush_policy policy_immediate;
#define DECLARE(name) extern const struct flush_policy policy_##name;
#define ENTER(name)   &policy_##name,

#if CONFIG_CONTEXT_TRACKING_WORK
DEFERRING_POLICIES(DECLARE)
#endif

const struct flush_policy *const flush_policies[] = {
	&policy_immediate,
#if CONFIG_CONTEXT_TRACKING_WORK
	DEFERRING_POLICIES(ENTER)
#endif
		NEW_POLICIES NULL,
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
	roots_select(selection->mode->roots == ROOTS_TWO);
	doors_set(selection->mode->roots == ROOTS_TWO ? &selection->policy->doors_two
						      : &selection->policy->doors,
		  selection->mode->on_task_stack);
}

/* Kernel mappings may have ceased to be global. */
static void flush_everything(void *unused)
{
	(void)unused;
	__flush_tlb_all();
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
	on_each_cpu(CALL_OTHER, flush_everything, NULL);
}
