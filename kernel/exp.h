/* SPDX-License-Identifier: MIT */
/*
 * What all experiments that measure have in common: the head of their report, their document
 * (docs/experiment.schema.json), whose records are written as they are made, and their verdict.
 *
 * Context of all: boot CPU, interrupts on.
 */
#pragma once

#include "kernel/experiment.h"
#include "kernel/json.h"
#include "kernel/policy_rows.h"

struct exp {
	const char *name;
	const struct setup *setup;
	struct json json;
	u64 records;
	bool failed;	  /* a promise was broken */
	bool wrong;	  /* the experiment proves nothing */
	char reason[160]; /* of the first of these that weighs most */
	struct policy_row rows[MAX_POLICY_ROWS];
	u32 nr_rows;
};

/*
 * Begins. The policies of its rows: those of tlbi=, else UNNAMED; with defect= its policy. False,
 * with a text in ERR, if there is nothing to run: too few CPUs, or policies that cannot be run.
 */
bool exp_begin(struct exp *e, const char *name, const struct setup *setup,
	       enum policy_default unnamed, char *err, size_t errlen);

/* Row I is about to run: says so. False: this machine lacks what its policy needs. */
bool exp_can_run(struct exp *e, u32 i);

/* A row that takes long is at DONE of TOTAL: says so, three times at most. */
void exp_progress(const struct exp *e, u64 done, u64 total);

/* "one root" or "two roots" of a row, and 1 or 2. */
const char *exp_roots_text(const struct policy_row *row);
u32 exp_roots(const struct policy_row *row);

/* One record: its kind and, with a ROW, policy and roots; its other members follow. */
struct json *exp_record(struct exp *e, const char *kind, const struct policy_row *row);
void exp_record_end(struct exp *e);

/* A promise was broken; or the experiment cannot say. The run goes on. */
void exp_fail(struct exp *e, const char *fmt, ...) __printf(2, 3);
void exp_error(struct exp *e, const char *fmt, ...) __printf(2, 3);

/* The verdict, on the console and in the document. */
enum ending exp_end(struct exp *e);
