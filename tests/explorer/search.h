/* SPDX-License-Identifier: MIT */
/*
 * Every reachable state, breadth first, so that the first interleaving that shows a finding is one
 * of the shortest.
 *
 * A state that has been seen is remembered by 64 bits of its hash and not looked at again; two
 * different states may share them, with a probability that the summary gives (n * n / 2^65). No
 * other reduction is made.
 */
#pragma once

#include "tests/explorer/explorer.h"
#include "tests/explorer/model.h"

#define MAX_SCHEDULE 512

struct conviction {
	struct finding finding;
	u64 states; /* that had been seen by then */
	u32 nr_actions;
	u8 actions[MAX_SCHEDULE];
};

struct search {
	u64 states, transitions;
	u32 depth;
	double seconds;
	bool complete;	/* nothing was left out because of LIMIT, or after a conviction */
	bool convicted; /* it ended early, at its first finding that no claim covers */
	struct conviction convictions[CONTEXTS][EFFECTS];
};

/*
 * Explores the policy that hook_select() named within bounds_now; at most LIMIT states. EARLY: not
 * beyond a finding that no claim covers.
 */
void search_all(struct search *search, bool two_roots, u64 limit, bool early);
