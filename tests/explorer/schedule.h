/* SPDX-License-Identifier: MIT */
/*
 * A schedule: the actions of one interleaving, as text, told in columns, and as evidence.
 */
#pragma once

#include <stdio.h>

#include "tests/explorer/search.h"

/* "0s 1y 0c": CPU and action, see schedule.c; and back. False: bad text. */
void schedule_text(FILE *out, const u8 *actions, u32 nr);
bool schedule_parse(const char *text, u8 *actions, u32 *nr);

/* One line of the telling. */
struct told {
	u32 action; /* which of the schedule, from 0 */
	u8 cpu;
	bool nmi;
	char text[128];
};

#define MAX_TOLD 1024
struct telling {
	struct told lines[MAX_TOLD];
	u32 nr;
	u8 steps[MAX_SCHEDULE]; /* what was carried out, one by one: a schedule without eager.h */
	u32 nr_steps;
	/* What the oracles saw along the way, last; each with the rule that was broken. */
	struct finding seen[CONTEXTS][EFFECTS];
};

/* Carries the schedule out from the first state. False: an action of it is not possible there. */
bool schedule_tell(struct telling *telling, const u8 *actions, u32 nr, bool two_roots);

/* The telling as columns, one for each CPU and one for what strikes it; at most 100 wide. */
void telling_print(FILE *out, const struct telling *telling);

const char *context_word(enum context context);
const char *effect_word(enum effect effect);
