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

/* --- What a file of anybody's may have got wrong --------------------------------------------- */

static bool is_one_of(const char *word, const char *const *words)
{
	while (word && *words && strcmp(*words, word) != 0)
		words++;
	return word && *words;
}

/* Ids: rules, defects of the posted versions, and others of docs/rules.md. */
static void check_claim(const char *symbol, const struct policy_claim *claim)
{
	static const char *const contexts[] = {"process", "nmi", NULL};
	static const char *const effects[] = {"stale", "lost", "spurious", NULL};
	static const char *const ids[] = {"N1", "N2", "N3", "N4", "N5",	 "N6", "N7", "N8",
					  "N9", "X1", "X2", "R1", "R2",	 "R3", "R4", "R5",
					  "R6", "R7", "R8", "R9", "R10", NULL};

	if (!is_one_of(claim->id, ids))
		explorer_fail("%s claims %s; valid: N1..N9, X1, X2, R1..R10 (docs/rules.md)",
			      symbol, claim->id ? claim->id : "NULL");
	if (!is_one_of(claim->context, contexts) || !is_one_of(claim->effect, effects))
		explorer_fail("%s claims %s (%s, %s); valid: process or nmi, then stale, lost or "
			      "spurious",
			      symbol, claim->id, claim->context ? claim->context : "NULL",
			      claim->effect ? claim->effect : "NULL");
}

static void check_doors(const char *symbol, const char *field, const struct door_ops *doors)
{
	if (!doors->enter || !doors->exit || !doors->nmi_enter || !doors->nmi_exit)
		explorer_fail("%s: its .roots asks for %s, which lack a hook; valid: enter, exit, "
			      "nmi_enter and nmi_exit",
			      symbol, field);
}

/* The name is the symbol's, with a dash for each underscore. */
static void check_name(const char *symbol, const char *name)
{
	char valid[64];

	snprintf(valid, sizeof(valid), "%s", symbol + strlen("policy_"));
	for (char *c = valid; *c; c++)
		if (*c == '_')
			*c = '-';
	if (!name || strcmp(name, valid) != 0)
		explorer_fail("%s has .name \"%s\"; valid: \"%s\"", symbol, name ? name : "",
			      valid);
}

static void check(const char *symbol, const struct flush_policy *policy)
{
	check_name(symbol, policy->name);
	if (!policy->lineage || !policy->reset || !policy->need_ipi)
		explorer_fail("%s lacks one of .lineage, .reset and .need_ipi", symbol);
	if (!policy->roots || policy->roots & ~(u32)(ROOTS_ONE | ROOTS_TWO))
		explorer_fail("%s has .roots %u; valid: ROOTS_ONE, ROOTS_TWO or both", symbol,
			      policy->roots);
	if (policy->roots & ROOTS_ONE)
		check_doors(symbol, ".doors", &policy->doors);
	if (policy->roots & ROOTS_TWO)
		check_doors(symbol, ".doors_two", &policy->doors_two);
	for (u32 i = 0; i < policy->nr_claims; i++)
		check_claim(symbol, &policy->claims[i]);
}

void explored_init(void)
{
	for (u32 i = 0; linked_policies[i]; i++) {
		check(linked_symbols[i], linked_policies[i]);
		add(linked_policies[i]);
	}
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
 * What takes more than a suite looks for (N3), or than QEMU has: global entries that survive a
 * write of CR3 (R10; Bochs has these).
 */
static const struct {
	const char *policy;
	struct policy_claim claim;
} explorer_only[] = {
	{"state-bits+N3", {"N3", "process", "stale"}}, {"cr3-drain", {"R10", "process", "stale"}},
	{"cr3-drain", {"R10", "process", "lost"}},     {"cr3-drain", {"R10", "nmi", "stale"}},
	{"cr3-drain", {"R10", "nmi", "lost"}},
};

static bool covers(const struct policy_claim *claim, const char *context, const char *effect)
{
	return strcmp(claim->context, context) == 0 && strcmp(claim->effect, effect) == 0;
}

const struct policy_claim *explored_claim_at(const struct flush_policy *policy, u32 i)
{
	if (i < policy->nr_claims)
		return &policy->claims[i];
	i -= policy->nr_claims;
	for (u32 k = 0; k < ARRAY_SIZE(explorer_only); k++)
		if (strcmp(explorer_only[k].policy, policy->name) == 0 && i-- == 0)
			return &explorer_only[k].claim;
	return NULL;
}

const struct policy_claim *explored_claim(const struct flush_policy *policy, const char *context,
					  const char *effect)
{
	const struct policy_claim *claim;

	for (u32 i = 0; (claim = explored_claim_at(policy, i)); i++)
		if (covers(claim, context, effect))
			return claim;
	return NULL;
}
