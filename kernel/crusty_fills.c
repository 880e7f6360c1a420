/* SPDX-License-Identifier: MIT */
/*
 * See crusty_fills.h.
 */
#include "kernel/crusty_fills.h"

#include "arch/x86_64/types.h"
#include "kernel/crusty_tables.h"

#define TRAINING 50 /* turns that teach the branch predictor the way not taken at last */

void crusty_fill_nothing(void)
{
}

void crusty_fill_prefetch(void)
{
	for (u32 i = 0; i < 4; i++)
		__asm__ volatile("prefetcht0 (%0)" ::"r"(crusty_va(0, 0, 0)) : "memory");
	__asm__ volatile("mfence" ::: "memory");
}

void crusty_fill_neighbours(void)
{
	for (u64 i = 7; i > 0; i--)
		crusty_read(crusty_va(0, 0, i));
}

/*
 * Reads *VA if *FLAG. The flag is not in any cache when it is 0, so that the read may run ahead.
 */
static noinline void guarded_read(volatile u64 *flag, u64 va)
{
	__asm__ volatile("cmpq $0, (%0)\n\t"
			 "je 1f\n\t"
			 "mov (%1), %%rax\n"
			 "1:"
			 :
			 : "r"(flag), "r"(va)
			 : "rax", "memory", "cc");
}

void crusty_fill_branch(void)
{
	static volatile u64 flag __aligned(CACHE_LINE);

	flag = 1;
	for (u32 i = 0; i < TRAINING; i++)
		guarded_read(&flag, crusty_va(0, 0, 7));
	flag = 0;
	__asm__ volatile("clflush (%0); mfence" ::"r"(&flag) : "memory");
	guarded_read(&flag, crusty_va(0, 0, 0));
}
