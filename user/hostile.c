/* SPDX-License-Identifier: MIT */
/*
 * hostile: carries out one operation that ring 3 must not do, or must be able to do without harm.
 * It loads every register as its page says and jumps to the instructions that the controller has
 * put into the code page. If they come back, it stores every register and exits with HOSTILE_DONE.
 * One run, one operation: it is ended by most of them.
 */
#include "user/hostile.h"

#include "user/lib.h"

_Noreturn void carry_out(void);
void landing(void);

_Static_assert(HOSTILE_PAGE_VA == 0x20000000 && offsetof(struct hostile_page, rsp) == 0x78 &&
		       offsetof(struct hostile_page, rflags) == 0x80 &&
		       offsetof(struct hostile_page, entry) == 0x88 &&
		       offsetof(struct hostile_page, after) == 0x90 &&
		       offsetof(struct hostile_page, after_rsp) == 0x108 &&
		       offsetof(struct hostile_page, after_rflags) == 0x110 && REG_R15 == 14 &&
		       HOSTILE_DONE == 0x600d && SYS_EXIT == 1,
	       "the numbers below");

/* The landing has no stack to trust: it takes the end of the page. */
__asm__(".globl carry_out, landing\n"
	"carry_out:\n\t"
	"mov 0x20000008, %rbx; mov 0x20000010, %rcx; mov 0x20000018, %rdx; mov 0x20000020, %rsi\n\t"
	"mov 0x20000028, %rdi; mov 0x20000030, %rbp; mov 0x20000038, %r8; mov 0x20000040, %r9\n\t"
	"mov 0x20000048, %r10; mov 0x20000050, %r11; mov 0x20000058, %r12; mov 0x20000060, %r13\n\t"
	"mov 0x20000068, %r14; mov 0x20000070, %r15; mov 0x20000000, %rax\n\t"
	"pushq 0x20000080\n\t"
	"popfq\n\t"
	"mov 0x20000078, %rsp\n\t"
	"jmp *0x20000088\n"
	"landing:\n\t"
	"mov %rax, 0x20000090; mov %rbx, 0x20000098; mov %rcx, 0x200000a0; mov %rdx, 0x200000a8\n\t"
	"mov %rsi, 0x200000b0; mov %rdi, 0x200000b8; mov %rbp, 0x200000c0; mov %r8, 0x200000c8\n\t"
	"mov %r9, 0x200000d0; mov %r10, 0x200000d8; mov %r11, 0x200000e0; mov %r12, 0x200000e8\n\t"
	"mov %r13, 0x200000f0; mov %r14, 0x200000f8; mov %r15, 0x20000100\n\t"
	"mov %rsp, 0x20000108\n\t"
	"mov $0x20001000, %esp\n\t"
	"pushfq\n\t"
	"popq 0x20000110\n\t"
	"pushq $0x202\n\t"
	"popfq\n\t"
	"mov $1, %eax; mov $0x600d, %edi; xor %esi, %esi; xor %edx, %edx\n\t"
	"syscall\n\t"
	"ud2\n");

u64 program(u64 arg)
{
	volatile struct hostile_page *page = (volatile struct hostile_page *)HOSTILE_PAGE_VA;

	(void)arg;
	page->landing = (u64)landing;
	if (page->set_bases) {
		__asm__ volatile("wrfsbase %0" ::"r"(page->fs));
		__asm__ volatile("wrgsbase %0" ::"r"(page->gs));
	}
	carry_out();
}
