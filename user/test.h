/* SPDX-License-Identifier: MIT */
/*
 * What the ring-3 test programs and the kernel's suites agree on: one page that both may write, one
 * that ring 3 only reads, and what the program's argument means. Both pages lie below 2 GiB, so
 * that an instruction can name them without a register.
 */
#pragma once

#include "arch/x86_64/types.h"

#define TEST_PAGE_VA 0x10000000UL
#define TEST_DATA_VA 0x10001000UL

/* Orders to test_loop. */
enum loop_order {
	LOOP_SYSCALLS, /* amount null system calls */
	LOOP_UNTIL_GO, /* null system calls, counted in trips, until go is not 0 */
	LOOP_UNKNOWN,  /* a system call that there is not */
	LOOP_WRITE,    /* prints a line of LOOP_TEXT_LENGTH characters */
	LOOP_WRITE_LONG,
	LOOP_WRITE_KERNEL,
	LOOP_WRITE_HOLE,
	LOOP_FAULT, /* UD2 */
	LOOP_EXIT,  /* exit with amount as the code */
};

#define LOOP_TEXT_LENGTH 31

/* What test_doors does: the argument of the program. */
enum door_test {
	DOOR_SYSCALL,	/* the register patterns, SYSCALL, the dump */
	DOOR_WAIT,	/* the same around a loop that ends when go is not 0 */
	DOOR_GS,	/* writes gs to the GS base, makes a system call, waits for go, reads it */
	DOOR_UNALIGNED, /* reads an unaligned word with AC set */
	DOOR_TF,	/* SYSCALL with TF set */
	DOOR_DE,
	DOOR_INT1,
	DOOR_BP,
	DOOR_INTO, /* INT 4: its gate is the kernel's alone */
	DOOR_UD,
	DOOR_SSE, /* an SSE instruction, which this kernel never enables */
	DOOR_HLT,
	DOOR_CLI,
	DOOR_INT80,
	DOOR_SS,      /* PUSH on a non-canonical stack pointer */
	DOOR_GP_READ, /* a non-canonical address */
	DOOR_PF_NULL,
	DOOR_PF_KERNEL,
	DOOR_PF_TEXT, /* writes its own text */
	DOOR_PF_DATA, /* executes its own data */
	DOOR_PF_END,  /* executes the last page of user space */
	DOOR_TESTS
};

/* Order of the dump: rax rbx rcx rdx rsi rdi rbp r8..r15, then flags, then rsp. */
enum {
	DUMP_RAX,
	DUMP_RBX,
	DUMP_RCX,
	DUMP_RDX,
	DUMP_RSI,
	DUMP_RDI,
	DUMP_RBP,
	DUMP_R8,
	DUMP_R11 = DUMP_R8 + 3,
	DUMP_R15 = DUMP_R8 + 7,
	DUMP_FLAGS,
	DUMP_RSP,
	DUMP_WORDS
};

/* Register number N holds this during a test. */
#define DUMP_PATTERN(n) (0x0101010101010101UL * ((n) + 1))

/* Offsets of the first fields are known to assembly in user/test_doors.c. */
struct test_page {
	u64 go;
	u64 rsp;   /* in: the stack pointer under which the door is used */
	u64 flags; /* in: the flags likewise */
	u64 saved_rsp;
	u64 dump[DUMP_WORDS];
	u64 after; /* address behind the instruction that enters the kernel */
	u64 gs;
	/* test_loop */
	u64 order, amount;
	u64 order_number; /* raised by the kernel behind the order */
	u64 done_number;  /* follows it when the order has been carried out */
	u64 loops;
	u64 seen; /* what the data page held at the last look */
	u64 trips;
	u64 result; /* of the last system call */
};
