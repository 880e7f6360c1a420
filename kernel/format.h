/* SPDX-License-Identifier: MIT */
/*
 * Formatted text with the meaning of C11 7.21.6.1, as far as a kernel needs it: conversions
 * d i u x X p s c %, lengths h hh l ll z, flags - + space # 0, width and precision as numbers or *.
 * No floating point. A conversion outside this set is printed as it stands and takes no argument.
 */
#pragma once

#include <stdarg.h>

#include "arch/x86_64/types.h"

/*
 * Writes at most SIZE bytes including the final NUL; SIZE 0 writes nothing and BUF may be NULL.
 * Returns the length that the whole text has, as C does: a result >= SIZE means it was cut; more
 * than INT_MAX is returned as INT_MAX. %p prints 0x and hex digits, NULL too; %s of NULL prints
 * "(null)". Context: any except noinstr; touches only BUF and the arguments.
 */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list list);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
