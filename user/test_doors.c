/* SPDX-License-Identifier: MIT */
/*
 * test_doors: goes through one door of the kernel, chosen by its argument. For the doors that come
 * back it loads every register with a pattern of its own and afterwards stores them all; whoever
 * started it compares. For the others it does one thing that ring 3 must not do.
 */
#include "user/lib.h"
#include "user/test.h"

void door_syscall(void);
void door_wait(void);

_Static_assert(TEST_PAGE_VA == 0x10000000 && offsetof(struct test_page, rsp) == 8 &&
		       offsetof(struct test_page, flags) == 16 &&
		       offsetof(struct test_page, saved_rsp) == 24 &&
		       offsetof(struct test_page, dump) == 32 && DUMP_WORDS == 17 &&
		       offsetof(struct test_page, after) == 168,
	       "the addresses below");

/*
 * RAX and RCX are left to the body: a system call has its number and its result in RAX, and the
 * waiting loop needs a register that JRCXZ can test, for any other test would change the flags.
 */
__asm__(".macro PATTERN reg, n\n\t"
	"movabs $(0x0101010101010101 * (\\n + 1)), \\reg\n"
	".endm\n"
	".macro DUMP reg, n\n\t"
	"mov \\reg, 0x10000020 + 8 * \\n\n"
	".endm\n"
	".macro ENTER_WITH_PATTERNS\n\t"
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n\t"
	"mov %rsp, 0x10000018\n\t"
	"mov 0x10000010, %rax\n\t"
	"push %rax\n\t"
	"PATTERN %rbx, 1; PATTERN %rdx, 3; PATTERN %rsi, 4; PATTERN %rdi, 5; PATTERN %rbp, 6\n\t"
	"PATTERN %r8, 7; PATTERN %r9, 8; PATTERN %r10, 9; PATTERN %r11, 10; PATTERN %r12, 11\n\t"
	"PATTERN %r13, 12; PATTERN %r14, 13; PATTERN %r15, 14\n\t"
	"popfq\n\t"
	"mov 0x10000008, %rsp\n"
	".endm\n"
	".macro DUMP_AND_RETURN\n\t"
	"DUMP %rsp, 16\n\t"
	"mov 0x10000018, %rsp\n\t"
	"DUMP %rax, 0; DUMP %rbx, 1; DUMP %rcx, 2; DUMP %rdx, 3; DUMP %rsi, 4; DUMP %rdi, 5\n\t"
	"DUMP %rbp, 6; DUMP %r8, 7; DUMP %r9, 8; DUMP %r10, 9; DUMP %r11, 10; DUMP %r12, 11\n\t"
	"DUMP %r13, 12; DUMP %r14, 13; DUMP %r15, 14\n\t"
	"pushfq\n\t"
	"pop %rax\n\t"
	"DUMP %rax, 15\n\t"
	"push $0x202\n\t"
	"popfq\n\t"
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n\t"
	"ret\n"
	".endm\n"
	".globl door_syscall, door_wait\n"
	"door_syscall:\n\t"
	"ENTER_WITH_PATTERNS\n\t"
	"mov $1f, %ecx\n\t"
	"mov %rcx, 0x100000a8\n\t"
	"mov $0, %eax\n\t" /* SYS_NULL */
	"syscall\n"
	"1:\n\t"
	"DUMP_AND_RETURN\n"
	"door_wait:\n\t"
	"ENTER_WITH_PATTERNS\n\t"
	"PATTERN %rax, 0\n"
	"2:\n\t"
	"mov 0x10000000, %rcx\n\t"
	"jrcxz 2b\n\t"
	"DUMP_AND_RETURN\n");

static volatile struct test_page *const page = (volatile struct test_page *)TEST_PAGE_VA;
static u8 return_instruction = 0xc3;

static void gs_base(void)
{
	u64 gs = page->gs;

	__asm__ volatile("wrgsbase %0" ::"r"(gs));
	syscall3(SYS_NULL, 0, 0, 0);
	while (!page->go)
		pause();
	__asm__ volatile("rdgsbase %0" : "=r"(gs));
	page->gs = gs;
}

static void call(u64 address)
{
	__asm__ volatile("call *%0" ::"r"(address) : "memory");
}

static void forbidden(u64 what)
{
	switch (what) {
	case DOOR_TF:
		__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; syscall" ::"a"(SYS_NULL)
				 : "rcx", "r11", "memory");
		break;
	case DOOR_DE:
		__asm__ volatile("div %0" ::"r"(0), "a"(1), "d"(0));
		break;
	case DOOR_INT1:
		__asm__ volatile(".byte 0xf1");
		break;
	case DOOR_BP:
		__asm__ volatile("int3");
		break;
	case DOOR_INTO:
		__asm__ volatile("int $4");
		break;
	case DOOR_UD:
		__asm__ volatile("ud2");
		break;
	case DOOR_SSE:
		__asm__ volatile("xorps %xmm0, %xmm0");
		break;
	case DOOR_HLT:
		__asm__ volatile("hlt");
		break;
	case DOOR_CLI:
		__asm__ volatile("cli");
		break;
	case DOOR_INT80:
		__asm__ volatile("int $0x80");
		break;
	case DOOR_SS:
		__asm__ volatile("mov %0, %%rsp; push %0" ::"r"(0x8000000000000000UL));
		break;
	case DOOR_GP_READ:
		__asm__ volatile("mov (%0), %0" ::"r"(0x8000000000000000UL));
		break;
	case DOOR_PF_NULL:
		__asm__ volatile("mov (%0), %0" ::"r"(0UL));
		break;
	case DOOR_PF_KERNEL:
		__asm__ volatile("mov (%0), %0" ::"r"(0xffffffff80400000UL));
		break;
	case DOOR_PF_TEXT:
		*(volatile u8 *)(u64)door_syscall = 0xc3;
		break;
	case DOOR_PF_DATA:
		call((u64)&return_instruction);
		break;
	case DOOR_PF_END:
		call(0x7ffffffff000UL);
		break;
	default:
		break;
	}
}

u64 program(u64 arg)
{
	u64 unaligned[2] = {0};

	switch (arg) {
	case DOOR_SYSCALL:
		door_syscall();
		return 0;
	case DOOR_WAIT:
		door_wait();
		return 0;
	case DOOR_GS:
		gs_base();
		return 0;
	case DOOR_UNALIGNED:
		__asm__ volatile("pushfq; orl $0x40000, (%%rsp); popfq\n\t"
				 "mov 1(%0), %%rax\n\t"
				 "syscall\n\t"
				 "mov 1(%0), %%rax" ::"r"(unaligned)
				 : "rax", "rcx", "r11", "memory");
		return 0;
	default:
		forbidden(arg);
		return 1; /* it should not have come back */
	}
}
