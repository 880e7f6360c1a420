/* SPDX-License-Identifier: MIT */
/*
 * victim: runs on one CPU while ring 3 of another is hostile. It keeps patterns in memory and in
 * registers, looks at them over and over, and counts the entries of its CPU that nothing here can
 * have caused: exceptions and timer interrupts. Its report says what it lost.
 */
#include "user/lib.h"

#define WORDS 2048

static u64 pattern[WORDS];
static struct victim_report report;

static u64 word_of(u64 index)
{
	return (index + 1) * 0x9e3779b97f4a7c15UL;
}

/* True if every register that a loop can hold still has its number after some turns in ring 3. */
static bool registers_hold(void)
{
	u64 wrong;

	__asm__ volatile("mov $0x1111, %%rbx; mov $0x2222, %%r8; mov $0x3333, %%r9\n\t"
			 "mov $0x4444, %%r10; mov $0x5555, %%r11; mov $0x6666, %%r12\n\t"
			 "mov $0x7777, %%r13; mov $0x8888, %%r14; mov $0x9999, %%r15\n\t"
			 "mov $2000, %%ecx\n"
			 "1:\n\t"
			 "dec %%ecx\n\t"
			 "jnz 1b\n\t"
			 "sub $0x1111, %%rbx; sub $0x2222, %%r8; sub $0x3333, %%r9\n\t"
			 "sub $0x4444, %%r10; sub $0x5555, %%r11; sub $0x6666, %%r12\n\t"
			 "sub $0x7777, %%r13; sub $0x8888, %%r14; sub $0x9999, %%r15\n\t"
			 "or %%r8, %%rbx; or %%r9, %%rbx; or %%r10, %%rbx; or %%r11, %%rbx\n\t"
			 "or %%r12, %%rbx; or %%r13, %%rbx; or %%r14, %%rbx; or %%r15, %%rbx\n\t"
			 "mov %%rbx, %0"
			 : "=r"(wrong)
			 :
			 : "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
			   "cc");
	return wrong == 0;
}

/* Entries by doors that nobody may use on this CPU: exceptions, and the timer. */
static u64 forbidden_entries(void)
{
	return USER_PAGE->causes[CAUSE_EXCEPTION] + USER_PAGE->causes[CAUSE_TIMER];
}

u64 program(u64 arg)
{
	u64 before = forbidden_entries();
	bool finish;

	(void)arg;
	for (u64 i = 0; i < WORDS; i++)
		pattern[i] = word_of(i);
	do { /* once more when it is told to finish: what was done before is seen */
		finish = STORM_PAGE->command == STORM_FINISH;
		for (u64 i = 0; i < WORDS; i++)
			report.memory_lost += *(volatile u64 *)&pattern[i] != word_of(i);
		report.registers_lost += !registers_hold();
		report.looks++;
	} while (!finish);
	report.entries = forbidden_entries() - before;
	exit_with_report(0, &report, sizeof(report));
}
