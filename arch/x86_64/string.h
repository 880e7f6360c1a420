/* SPDX-License-Identifier: MIT */
/*
 * The C library's memory and string functions, as far as the kernel uses them. Host tests link
 * the C library's own instead: names and contracts are the same.
 */
#pragma once

#include "arch/x86_64/types.h"

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
