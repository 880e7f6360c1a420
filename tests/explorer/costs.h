/* SPDX-License-Identifier: MIT */
/*
 * What a policy costs, over all interleavings: operations of each hook, and the cache lines of
 * others that it writes. Counted here, from outside, not by the policy.
 */
#pragma once

#include <stdio.h>

#include "arch/x86_64/types.h"

/* From here to costs_end() every hook that ends in an exploration is counted. */
void costs_begin(void);

/* Writes them as a JSON object, if OUT is not NULL. */
void costs_end(FILE *out);
