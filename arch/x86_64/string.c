/* SPDX-License-Identifier: MIT */
/*
 * Memory and string functions for the kernel. The compilers call memcpy, memmove, memset and
 * memcmp on their own account, so these must exist, and must not be compiled into calls to
 * themselves: copying is done by string instructions, and every other loop hides its counter from
 * the compiler, which then cannot recognise what the loop does.
 *
 * Nothing here sets the direction flag: an interrupt or NMI that hit between STD and CLD would
 * carry it into C code, which may assume it clear (System V ABI 3.2.1).
 */
#include "arch/x86_64/string.h"

#define hide(x) __asm__ volatile("" : "+r"(x))

static void copy_forwards(void *dst, const void *src, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	copy_forwards(dst, src, n);
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	void *d = dst;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return dst;
}

/*
 * Forwards is right unless dst begins inside the source: then each byte would be read after it
 * was overwritten. The subtraction wraps, so one comparison asks for src <= dst < src + n.
 */
void *memmove(void *dst, const void *src, size_t n)
{
	unsigned char *d = dst;
	const unsigned char *s = src;

	if ((uintptr_t)dst - (uintptr_t)src >= n) {
		copy_forwards(dst, src, n);
		return dst;
	}
	while (n) {
		n--;
		hide(n);
		d[n] = s[n];
	}
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a, *q = b;

	for (size_t i = 0; i < n; i++) {
		hide(i);
		if (p[i] != q[i])
			return p[i] - q[i];
	}
	return 0;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n]) {
		n++;
		hide(n);
	}
	return n;
}

size_t strlen(const char *s)
{
	return strnlen(s, PTRDIFF_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		hide(i);
		unsigned char x = (unsigned char)a[i], y = (unsigned char)b[i];

		if (x != y || x == 0)
			return x - y;
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, PTRDIFF_MAX);
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		hide(s);
		if (*s == (char)c)
			return (char *)s;
		if (*s == '\0')
			return NULL;
	}
}
