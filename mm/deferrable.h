/* SPDX-License-Identifier: MIT */
/*
 * What may be flushed late, checked when a deferrable flush is issued.
 */
#pragma once

#include "arch/x86_64/types.h"

/*
 * Panics with the rule's name if it sees that a flush of [start, end) must not be deferred. END ==
 * TLB_FLUSH_ALL asks for a flush of everything and says nothing about what was changed: that cannot
 * be checked and is allowed.
 */
void assert_deferrable(u64 start, u64 end);

/*
 * The address part of that check alone, without a panic: the rule that forbids a deferred flush of
 * [start, end), or NULL if it may be deferred. Any context.
 */
const char *undeferrable_rule(u64 start, u64 end);
