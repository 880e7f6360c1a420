/* SPDX-License-Identifier: MIT */
/*
 * The list of policies, see explored.h.
 */
#include "tests/explorer/explored.h"

#include <stdio.h>
#include <string.h>

#include "mm/policy/defects.h"
#include "tests/explorer/controls.h"
#include "tests/explorer/explorer.h"

#define MAX_EXPLORED 128
#define NR_DEFECTS   9

const struct flush_policy *explored[MAX_EXPLORED];
u32 nr_explored;

static void add(const struct flush_policy *policy)
{
	if (nr_explored == MAX_EXPLORED)
		explorer_fail("more than %d policies", MAX_EXPLORED);
	explored[nr_explored++] = policy;
}

void explored_init(void)
{
	for (const struct flush_policy *const *p = linked_policies; *p; p++)
		add(*p);
	for (u32 i = 1; i <= NR_DEFECTS; i++) {
		char id[8];

		snprintf(id, sizeof(id), "N%u", i);
		add(find_defect(id));
	}
}

/* "N1", if POLICY is that defect in a base; else NULL. */
static const char *defect_of(const struct flush_policy *policy)
{
	static const char prefix[] = "defect=";

	return strncmp(policy->lineage, prefix, sizeof(prefix) - 1) == 0
		       ? policy->lineage + sizeof(prefix) - 1
		       : NULL;
}

const struct flush_policy *explored_find(const char *name)
{
	for (u32 i = 0; i < nr_explored; i++) {
		const char *defect = defect_of(explored[i]);

		if (strcmp(explored[i]->name, name) == 0 || (defect && strcmp(defect, name) == 0))
			return explored[i];
	}
	for (const struct flush_policy *const *p = explorer_controls; *p; p++)
		if (strcmp((*p)->name, name) == 0)
			return *p;
	return NULL;
}

/*
 * What takes more than an emulator has, or than a suite looks for (N3): a fill by speculation
 * between flush and flag (N7), an NMI inside a #MC handler that struck between flag and CR3 (N9),
 * global entries that survive a write of CR3 (R10; Bochs has these).
 */
static const struct {
	const char *policy;
	struct policy_claim claim;
} explorer_only[] = {
	{"state-bits+N3", {"N3", "process", "stale"}}, {"cr3-flag+N7", {"N7", "process", "stale"}},
	{"cr3-flag+N9", {"N9", "nmi", "stale"}},       {"cr3-flag+N9", {"N9", "nmi", "lost"}},
	{"cr3-drain", {"R10", "process", "stale"}},    {"cr3-drain", {"R10", "process", "lost"}},
	{"cr3-drain", {"R10", "nmi", "stale"}},	       {"cr3-drain", {"R10", "nmi", "lost"}},
};

static bool covers(const struct policy_claim *claim, const char *context, const char *effect)
{
	return strcmp(claim->context, context) == 0 && strcmp(claim->effect, effect) == 0;
}

const struct policy_claim *explored_claim(const struct flush_policy *policy, const char *context,
					  const char *effect)
{
	for (u32 i = 0; i < policy->nr_claims; i++)
		if (covers(&policy->claims[i], context, effect))
			return &policy->claims[i];
	for (u32 i = 0; i < ARRAY_SIZE(explorer_only); i++)
		if (strcmp(explorer_only[i].policy, policy->name) == 0 &&
		    covers(&explorer_only[i].claim, context, effect))
			return &explorer_only[i].claim;
	return NULL;
}
