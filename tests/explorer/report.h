/* SPDX-License-Identifier: MIT */
/*
 * What an exploration found, as a table and as JSON; claims against findings.
 */
#pragma once

#include <stdio.h>

#include "tests/explorer/search.h"

struct flush_policy;

struct report {
	FILE *json;
	bool tell;
	bool early; /* an exploration, and the policy's last one, end at what no claim covers */
	bool any;   /* JSON: one record has been written */
	bool incomplete;	       /* an exploration ended at its limit */
	bool unclaimed;		       /* findings and claims differ */
	bool found[CONTEXTS][EFFECTS]; /* of the policy that is being explored */
};

/* JSON: a file name, or NULL. TELL: the schedule of each finding is printed. */
void report_begin(struct report *report, const char *json, bool tell, bool early);
void report_explore(struct report *report, const struct flush_policy *policy, bool two_roots,
		    u64 limit);
/* The policy is through: with EXACTLY, each of its claims must have been found. */
void report_policy(struct report *report, const struct flush_policy *policy, bool exactly);
/* The exit status. */
int report_end(struct report *report);

/* Carries out one schedule and tells it. Exit status: 0 if the oracles saw something. */
int report_schedule(const struct flush_policy *policy, bool two_roots, const u8 *actions, u32 nr);
