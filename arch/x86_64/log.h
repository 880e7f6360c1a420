/* SPDX-License-Identifier: MIT */
/*
 * What every floor may say, declared at the bottom and defined in kernel/ (host tests define
 * their own). Context: any, except noinstr code, which may only reach panic().
 */
#pragma once

#include "arch/x86_64/types.h"

enum loglevel { LOG_ERR = 3, LOG_WARN = 4, LOG_INFO = 6, LOG_DEBUG = 7 };

/* Prints one message at LEVEL, whole: CPUs never interleave within a call. */
void printk(enum loglevel level, const char *fmt, ...) __printf(2, 3);

/* Stops all CPUs, prints the message with the CPU's number, ends the machine. Never returns. */
_Noreturn void panic(const char *fmt, ...) __printf(1, 2);

#define pr_err(...)   printk(LOG_ERR, __VA_ARGS__)
#define pr_warn(...)  printk(LOG_WARN, __VA_ARGS__)
#define pr_info(...)  printk(LOG_INFO, __VA_ARGS__)
#define pr_debug(...) printk(LOG_DEBUG, __VA_ARGS__)

/* A broken invariant of the kernel itself: stops the machine and names the place. */
#define BUG_ON(cond)                                                                               \
	do {                                                                                       \
		if (unlikely(cond))                                                                \
			panic("BUG: %s at %s:%d", #cond, __FILE__, __LINE__);                      \
	} while (0)
