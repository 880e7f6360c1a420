/* SPDX-License-Identifier: MIT */
/*
 * What a sweep prints, and its verdict, see sweep.h.
 */
#pragma once

#include "kernel/ending.h"
#include "kernel/sweep.h"

/*
 * In the order of weight: a finding that no claim covers is a failure; then too little work, or a
 * claim that was not shown though it should be, is an error; then pass. REASON says why not.
 */
enum ending sweep_judge(const struct sweep *s, const struct sweep_request *request, char *reason,
			size_t size);

/* Whether CLAIM is one that this machine, in this mode, can show. */
bool sweep_can_show(const struct sweep *s, const struct policy_claim *claim);

/* The two lines above the policies', and the lines of one policy. */
void sweep_print_head(const struct sweep *s);
void sweep_print(const struct sweep *s, const struct sweep_request *request, enum ending verdict,
		 const char *reason);
