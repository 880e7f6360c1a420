/* SPDX-License-Identifier: MIT */
/*
 * Included before everything else in host tests and fuzzers. The C library and the kernel both have
 * a macro __always_inline; the kernel's is the one that counts. Taking the library's away first
 * makes the order of later includes irrelevant.
 */
#include <sys/cdefs.h>
#undef __always_inline
