/* SPDX-License-Identifier: MIT */
/*
 * step: waits in ring 3 and makes one system call an order, with TF set if it is to be stepped.
 * Between POPF, which sets TF, and SYSCALL there is no other instruction, so the first #DB comes
 * when SYSCALL has been executed. The kernel clears TF when the call is over.
 */
#include "user/step.h"
#include "user/lib.h"

/* The red zone below RSP is the compiler's, so the flags go below that. */
static void traced(u64 number)
{
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "pushfq\n\t"
			 "orl $0x100, (%%rsp)\n\t"
			 "popfq\n\t"
			 "syscall\n\t"
			 "lea 128(%%rsp), %%rsp"
			 : "+a"(number)
			 :
			 : "rcx", "r11", "memory", "cc");
}

/* The first #DB comes behind the first NOP, the last one, if all went well, behind the second. */
static void through_door(void)
{
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "pushfq\n\t"
			 "orl $0x100, (%%rsp)\n\t"
			 "popfq\n\t"
			 "nop\n\t"
			 "nop\n\t"
			 "lea 128(%%rsp), %%rsp" ::
				 : "memory", "cc");
}

u64 program(u64 arg)
{
	volatile struct step_page *page = (volatile struct step_page *)STEP_PAGE_VA;

	(void)arg;
	for (;;) {
		while (page->order_number == page->done_number) {
			page->beat++;
			if (page->pause)
				pause();
		}
		switch (page->order) {
		case STEP_CALL_PROBE:
			syscall3(SYS_PROBE, 0, 0, 0);
			break;
		case STEP_CALL_NULL:
			syscall3(SYS_NULL, 0, 0, 0);
			break;
		case STEP_TRACE_PROBE:
			traced(SYS_PROBE);
			break;
		case STEP_TRACE_NULL:
			traced(SYS_NULL);
			break;
		case STEP_TRACE_DOOR:
			through_door();
			break;
		case STEP_RAISE_GP:
			__asm__ volatile("cli");
			break;
		case STEP_RAISE_MC:
			__asm__ volatile("int %0" ::"i"(STEP_VECTOR_MC));
			break;
		case STEP_RAISE_DB:
			__asm__ volatile("int %0" ::"i"(STEP_VECTOR_DB));
			break;
		case STEP_NOTHING:
			break;
		default:
			return 0;
		}
		page->done_number = page->order_number;
	}
}
