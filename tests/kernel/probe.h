/* SPDX-License-Identifier: MIT */
/*
 * Accesses of ring 0 that may fault, as values: what the suites ask the page tables with. And the
 * small things that every suite needs. tests/kernel/ring3.h is the same for ring 3.
 */
#pragma once

#include "arch/x86_64/spinlock.h"
#include "arch/x86_64/tsc.h"
#include "kernel/cpu_work.h"
#include "kernel/ktest.h"
#include "mm/policy/policy.h"

/* No fault; anything else is the vector of one. */
#define PROBE_OK (~0UL)

/* One byte read; read and written back; fetched and executed (it must hold RET if that may work).
 */
u64 probe_read(u64 va);
u64 probe_write(u64 va);
u64 probe_exec(u64 va);

/* Reads a word that must be mapped. Never optimised away. */
static inline u64 load(u64 va)
{
	u64 value;

	__asm__ volatile("mov (%1), %0" : "=r"(value) : "r"(va) : "memory");
	return value;
}

/* Runs WORK(ARG) on CPU, the caller's or another, and waits for its end. */
void on_cpu(unsigned int cpu, cpu_work_t work, void *arg, const char *what);

/* Puts POLICY in force as pti= and stack= say; false, with a skip, if it cannot be. */
bool select_policy_here(const struct flush_policy *policy);

/*
 * The next of a few policies that pti= and stack= let be put in force: one that interrupts, the
 * seed, one for two roots only, this project's own. *PLACE starts at 0; NULL: no more. All policies
 * at every instruction are the sweep's business.
 */
const struct flush_policy *next_sample_policy(u32 *place);

/* The first of the list, which takes any mode, with one root and the doors' own stack. */
void select_default_policy(void);

/* QEMU's interpreter; its TLB differs from hardware's in what the suites say. */
bool is_tcg(void);

/* Waits until COND is true, MS milliseconds at most: whether it is. */
#define wait_until(ms, cond)                                                                       \
	({                                                                                         \
		u64 _deadline = tsc_deadline(ms);                                                  \
		bool _true;                                                                        \
		while (!(_true = (cond)) && !tsc_passed(_deadline))                                \
			cpu_relax();                                                               \
		_true;                                                                             \
	})

/* An emulated CPU on a loaded machine may be away for long. */
#define SOON_MS 10000
#define EXPECT_SOON(cond)                                                                          \
	do {                                                                                       \
		if (!wait_until(SOON_MS, cond))                                                    \
			ktest_fail(__FILE__, __LINE__, "not within %u s: %s", SOON_MS / 1000,      \
				   #cond);                                                         \
	} while (0)
