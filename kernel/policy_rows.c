/* SPDX-License-Identifier: MIT */
/*
 * The rows of a comparison, see policy_rows.h.
 */
#include "kernel/policy_rows.h"

#include "arch/x86_64/string.h"
#include "kernel/format.h"
#include "mm/policy/defects.h"

static const enum policy_roots roots[] = {ROOTS_ONE, ROOTS_TWO};

static bool asked_for(const struct options *options, enum policy_roots nr)
{
	return options->pti == PTI_UNSET || (options->pti == PTI_ON) == (nr == ROOTS_TWO);
}

/* Adds POLICY's rows. Returns NULL, or why there is none. */
static const char *add_rows(const struct options *options, const struct flush_policy *policy,
			    struct policy_row *rows, u32 *nr)
{
	const char *reason = NULL;
	bool added = false;

	for (u32 i = 0; i < ARRAY_SIZE(roots); i++) {
		struct policy_mode mode = {roots[i], options->stack_on_task};
		const char *why = policy_refuses(policy, &mode);

		if (!asked_for(options, roots[i]))
			continue;
		if (why) {
			/* Of two reasons, the one about a number of roots that it has. */
			if (!reason || (policy->roots & roots[i]))
				reason = why;
			continue;
		}
		if (*nr == MAX_POLICY_ROWS)
			return "too many rows for one comparison";
		rows[(*nr)++] = (struct policy_row){policy, mode};
		added = true;
	}
	return added ? NULL : reason;
}

static bool by_default(const struct flush_policy *policy, enum policy_default unnamed)
{
	if (unnamed == DEFAULT_ALL)
		return true;
	if (policy->control)
		return false;
	return policy->nr_claims == 0 || strcmp(policy->name, SEED_POLICY) == 0;
}

static const struct flush_policy *find(const struct flush_policy *const *all, const char *name,
				       size_t len)
{
	for (; *all; all++)
		if (is_word(name, len, (*all)->name))
			return *all;
	return NULL;
}

const struct flush_policy *const *policies_of(const struct options *options)
{
	static const struct flush_policy *only[2];

	if (!options->defect[0])
		return flush_policies;
	only[0] = find_defect(options->defect);
	return only;
}

u32 policy_rows(const struct options *options, const struct flush_policy *const *all,
		enum policy_default unnamed, struct policy_row *rows, char *err, size_t errlen)
{
	const char *name = options->tlbi;
	u32 nr = 0;
	size_t len;

	if (!name[0]) {
		for (const struct flush_policy *const *p = all; *p; p++)
			if (by_default(*p, unnamed))
				add_rows(options, *p, rows, &nr);
		if (!nr)
			snprintf(err, errlen, "pti=, stack=: no policy can be run like that");
		return nr;
	}
	for (; policy_list_name(name, &len); name = policy_list_next(name, len)) {
		const struct flush_policy *policy = find(all, name, len);
		const char *why = policy ? add_rows(options, policy, rows, &nr) : "no such policy";

		if (why) {
			snprintf(err, errlen, "tlbi=%.*s: %s", (int)len, name, why);
			return 0;
		}
	}
	return nr;
}
