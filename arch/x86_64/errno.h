/* SPDX-License-Identifier: MIT */
/*
 * Error numbers, with the values that everyone knows. Functions return them negated; 0 is success.
 * Host tests may include the C library's <errno.h> beside this: the definitions are the same.
 */
#pragma once

#define ENOENT 2
#define ENOMEM 12
#define EEXIST 17
#define EINVAL 22
