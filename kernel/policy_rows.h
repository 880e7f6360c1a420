/* SPDX-License-Identifier: MIT */
/*
 * Which policies a comparison runs, and with how many roots: one row each.
 *
 * Named by tlbi=A+B: these, in that order. By default (DEFAULT_SOUND): every policy that claims no
 * defect and is no control, and the seed beside them, whose claim the comparison is read for. Each
 * with one
 * root and with two, as far as it can; pti= leaves one of these. A policy that was named and cannot
 * be run at all is refused, one that was not is left out.
 */
#pragma once

#include "kernel/options.h"
#include "mm/policy/policy.h"

#define MAX_POLICY_ROWS 64

struct policy_row {
	const struct flush_policy *policy;
	struct policy_mode mode;
};

/* Compared by default in spite of its claim. */
#define SEED_POLICY "state-bits"

/* What is run when no policy is named. */
enum policy_default { DEFAULT_SOUND, DEFAULT_ALL };

/*
 * Fills ROWS, room for MAX_POLICY_ROWS, from ALL, a list ended by NULL. Returns how many there are;
 * 0, with a text in ERR, if what was asked for cannot be run. Pure but for policy_refuses().
 */
u32 policy_rows(const struct options *options, const struct flush_policy *const *all,
		enum policy_default unnamed, struct policy_row *rows, char *err, size_t errlen);

/* The policies of this build, or, with defect=, the corrected base with that defect in it. */
const struct flush_policy *const *policies_of(const struct options *options);
