/* SPDX-License-Identifier: MIT */
/*
 * The posted defects as switches, see defects.c.
 */
#pragma once

struct flush_policy;

/* The corrected base with defect ID ("N1".."N9") in it; NULL if there is none of that name. */
const struct flush_policy *find_defect(const char *id);
