/* SPDX-License-Identifier: MIT */
/*
 * What a ring-3 program of this kernel needs: _start calls program(arg) and exits with its result.
 */
#pragma once

#include "user/syscall.h"

/* Defined by each program; ARG is the number that the workload gave the task. */
u64 program(u64 arg);

static inline u64 syscall3(u64 number, u64 a, u64 b, u64 c)
{
	u64 result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return result;
}

static inline u64 rdtsc(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

static inline void pause(void)
{
	__asm__ volatile("pause");
}

#define USER_PAGE  ((const volatile struct user_page *)USER_PAGE_VA)
#define STORM_PAGE ((const volatile struct storm_page *)STORM_PAGE_VA)

/* A reproducible sequence (xorshift64*); *state must not be 0. */
static inline u64 next_random(u64 *state)
{
	u64 x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dUL;
}

_Noreturn void exit_with_report(u64 code, const void *report, u64 length);
