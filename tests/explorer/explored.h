/* SPDX-License-Identifier: MIT */
/*
 * The policies that this explorer was linked with.
 */
#pragma once

#include "mm/policy/policy.h"

/* Written by the build from the object files: every symbol policy_NAME in them, ended by NULL. */
extern const struct flush_policy *const linked_policies[];
extern const char *const linked_symbols[];

/* These, and the defects of mm/policy/defects.c. */
extern const struct flush_policy *explored[];
extern u32 nr_explored;

/* Ends with a message if one of them cannot be a policy: name, hooks and claims are looked at. */
void explored_init(void);

/* By its name, or a defect's id (N1); controls (controls.h), too. NULL: none. */
const struct flush_policy *explored_find(const char *name);

/*
 * The claim that covers a finding: the policy's own, or one that no emulator can show and the
 * explorer alone finds. NULL: nothing covers it.
 */
const struct policy_claim *explored_claim(const struct flush_policy *policy, const char *context,
					  const char *effect);

/* Number I of all claims that count here; NULL: there are no more. */
const struct policy_claim *explored_claim_at(const struct flush_policy *policy, u32 i);
