/* SPDX-License-Identifier: MIT */
/*
 * See assert.h.
 */
#pragma once

static inline int abs(int n)
{
	return n < 0 ? -n : n;
}

static inline long labs(long n)
{
	return n < 0 ? -n : n;
}
