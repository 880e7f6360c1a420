/* SPDX-License-Identifier: MIT */
/*
 * Counting instructions: functions whose instructions are counted by hand, with what is not simple
 * about single stepping in them.
 */
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/insn_count.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp_call.h"
#include "kernel/ktest.h"

void count_nops(void *arg);
void count_loop(void *arg);
void count_rep(void *arg);
void count_sti(void *arg);
void count_popf(void *arg);

/* The loop runs arg times: 2 instructions a round, one before, RET. */
__asm__(".pushsection .text\n"
	"count_nops: nop; nop; nop; ret\n"
	"count_loop: mov %rdi, %rcx\n"
	"1: dec %rcx; jnz 1b; ret\n"
	"count_rep: mov %rdi, %rsi; mov $64, %ecx; rep movsb; ret\n"
	"count_sti: cli; sti; nop; cli; sti; cli; sti; ret\n"
	"count_popf: pushfq; cli; popfq; ret\n"
	".popsection");

static u64 count(void (*func)(void *), void *arg)
{
	return insn_count(func, arg).instructions;
}

KTEST(insn_count, by_hand)
{
	static char buffer[64];

	EXPECT_EQ(count(count_nops, NULL), 4);
	EXPECT_EQ(count(count_loop, (void *)1), 4);
	EXPECT_EQ(count(count_loop, (void *)1000), 2002);
	EXPECT_EQ(count(count_rep, buffer), 4);
	EXPECT_EQ(count(count_sti, NULL), 8);
	EXPECT_EQ(count(count_popf, NULL), 4);
}

static void nothing(void *info)
{
	(void)info;
}

static void call_all(void *arg)
{
	(void)arg;
	on_each_cpu(CALL_OTHER, nothing, NULL);
}

/* As many waits as other CPUs, and the same count however long they take. */
KTEST(insn_count, waits_are_not_work)
{
	struct insn_count first = insn_count(call_all, NULL);
	struct insn_count second = insn_count(call_all, NULL);

	EXPECT_EQ(first.waits, nr_online_cpus() - 1);
	EXPECT_EQ(second.waits, first.waits);
	EXPECT_EQ(second.instructions, first.instructions);
	EXPECT(first.instructions > 10);
}
