/* SPDX-License-Identifier: MIT */
/*
 * Start and end of every ring-3 program, see lib.h.
 */
#include "user/lib.h"

_Noreturn void start_program(u64 arg);

/* The kernel enters with RSP at the top of the stack and the argument in RDI. */
__asm__(".globl _start\n"
	"_start:\n\t"
	"xor %ebp, %ebp\n\t"
	"call start_program\n\t"
	"ud2\n");

void exit_with_report(u64 code, const void *report, u64 length)
{
	syscall3(SYS_EXIT, code, (u64)report, length);
	for (;;)
		__asm__ volatile("ud2");
}

void start_program(u64 arg)
{
	exit_with_report(program(arg), NULL, 0);
}
