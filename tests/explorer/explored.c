/* SPDX-License-Identifier: MIT */
/*
 * The list of policies, see explored.h.
 */
#include "tests/explorer/explored.h"

#include <stdio.h>
#include <string.h>

#include "mm/policy/defects.h"
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

const char *explored_defect(const struct flush_policy *policy)
{
	static const char prefix[] = "defect=";

	return strncmp(policy->lineage, prefix, sizeof(prefix) - 1) == 0
		       ? policy->lineage + sizeof(prefix) - 1
		       : NULL;
}

const struct flush_policy *explored_find(const char *name)
{
	for (u32 i = 0; i < nr_explored; i++) {
		const char *defect = explored_defect(explored[i]);

		if (strcmp(explored[i]->name, name) == 0 || (defect && strcmp(defect, name) == 0))
			return explored[i];
	}
	return NULL;
}
