/* SPDX-License-Identifier: MIT */
/*
 * What the hostile ring-3 program (user/hostile.c) and its controller (kernel/hostile_run.c) agree
 * on: a page with the registers that an operation starts with and ends with, and a page that holds
 * the operation's instructions. Both lie below 2 GiB, so that an instruction can name them without
 * a register.
 */
#pragma once

#include "arch/x86_64/types.h"

#define HOSTILE_PAGE_VA 0x20000000UL	 /* struct hostile_page; read and written */
#define HOSTILE_CODE_VA 0x20002000UL	 /* read and executed; what lies around it is not mapped */
#define HOSTILE_LAST_VA 0x7fffffffe000UL /* the same frame as the last page of user space */

/* Where an operation's stack begins, unless it brings a stack pointer of its own. */
#define HOSTILE_STACK_TOP (HOSTILE_PAGE_VA + 0xe00)

/* SYS_EXIT with this: the operation came back. */
#define HOSTILE_DONE 0x600dUL

/* Order of the registers in memory. */
enum hostile_reg {
	REG_RAX,
	REG_RBX,
	REG_RCX,
	REG_RDX,
	REG_RSI,
	REG_RDI,
	REG_RBP,
	REG_R8,
	REG_R9,
	REG_R10,
	REG_R11,
	REG_R12,
	REG_R13,
	REG_R14,
	REG_R15,
	HOSTILE_REGS
};

/* Offsets of the first fields are known to assembly in user/hostile.c. */
struct hostile_page {
	u64 regs[HOSTILE_REGS];
	u64 rsp;
	u64 rflags;
	u64 entry; /* of the operation */
	u64 after[HOSTILE_REGS];
	u64 after_rsp;
	u64 after_rflags;
	u64 landing;   /* where an operation that was allowed goes on; written by the program */
	u64 set_bases; /* not 0: fs and gs are loaded into the bases */
	u64 fs, gs;
	u64 scratch[16] __aligned(16); /* the operation's own */
};

#define HOSTILE_SCRATCH_VA (HOSTILE_PAGE_VA + offsetof(struct hostile_page, scratch))
