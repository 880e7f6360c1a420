/* SPDX-License-Identifier: MIT */
/*
 * Steps that follow an action at once: what can be told apart by nobody, or only to the oracles'
 * disadvantage, is not interleaved. The argument is in eager.c.
 */
#pragma once

#include "tests/explorer/model.h"

/* False: every step is an action of its own. Written before a search begins. */
extern bool eager_steps;

/* Whether a purge may begin on the initiator CPU. */
bool eager_may_purge(const struct state *s, unsigned int cpu);

/* ACTION, about to be carried out in S, begins a door's hook. */
bool eager_starts_door(const struct state *s, u8 action);

/*
 * What follows in S at once, after LAST; STARTED_DOOR: LAST was such an action. False: nothing, S
 * is a state.
 */
bool eager_action(const struct state *s, u8 last, bool started_door, u8 *action);
