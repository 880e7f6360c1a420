/* SPDX-License-Identifier: MIT */
/*
 * Gives the kernel's memory and string functions names of their own, so that a host test can hold
 * them beside the C library's. Included before everything else, by the test's flags line.
 */
#pragma once

#define memcpy	kernel_memcpy
#define memmove kernel_memmove
#define memset	kernel_memset
#define memcmp	kernel_memcmp
#define strlen	kernel_strlen
#define strnlen kernel_strnlen
#define strcmp	kernel_strcmp
#define strncmp kernel_strncmp
#define strchr	kernel_strchr
