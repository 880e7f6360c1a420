/* SPDX-License-Identifier: MIT */
/*
 * Policies that are wrong in ways that no policy of mm/policy/ is, so that each oracle is seen to
 * convict. Explored by name only.
 */
#pragma once

#include "mm/policy/policy.h"

/* Ended by NULL. */
extern const struct flush_policy *const explorer_controls[];
