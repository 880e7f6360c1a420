/* SPDX-License-Identifier: MIT */
/*
 * See assert.h. Some compilers' own goes on to the C library's.
 */
#pragma once

#define INT_MAX	 __INT_MAX__
#define LONG_MAX __LONG_MAX__
