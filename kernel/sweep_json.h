/* SPDX-License-Identifier: MIT */
/*
 * What a sweep found, as a document at port 0xe9, written row by row (tools/sweep.py reads it). One
 * field for each fact of struct sweep; addresses are numbers, positions are words ("entry+3").
 */
#pragma once

#include "kernel/sweep_report.h"

/*
 * Nothing is written where nobody listens. Boot CPU; begin, a row or a skip for each policy, end.
 */
void sweep_json_begin(void);
void sweep_json_row(const struct sweep *s, const struct sweep_request *request, enum ending verdict,
		    const char *reason);
void sweep_json_skip(const struct flush_policy *policy, const char *reason);
void sweep_json_end(enum ending verdict);
