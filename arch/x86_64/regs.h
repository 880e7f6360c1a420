/* SPDX-License-Identifier: MIT */
/*
 * What every door pushes, in the order of entry.asm. For an entry from ring 3 it lies at the top
 * of the CPU's entry stack and stays there until the return: a task never sleeps in the kernel,
 * so nobody else enters on this stack meanwhile.
 */
#pragma once

#include "arch/x86_64/types.h"

struct pt_regs {
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 vector; /* VECTOR_SYSCALL for SYSCALL */
	u64 error_code;
	u64 rip, cs, rflags, rsp, ss;
};

static __always_inline bool user_mode(const struct pt_regs *regs)
{
	return regs->cs & 3;
}

/* Vectors: the SDM's (Vol 3 table 6-1), then ours. */
#define VECTOR_DE	     0
#define VECTOR_DB	     1
#define VECTOR_NMI	     2
#define VECTOR_BP	     3
#define VECTOR_UD	     6
#define VECTOR_DF	     8
#define VECTOR_GP	     13
#define VECTOR_PF	     14
#define VECTOR_MC	     18
#define VECTOR_FIRST_IRQ     32
#define VECTOR_REST	     0xeb /* ends a rest under an emulator, see relax.c */
#define VECTOR_TIMER	     0xec /* local APIC timer: used by tests and by break=gap only */
#define VECTOR_TEST	     0xed /* an interrupt of no meaning, for tests */
#define VECTOR_DB_ALIAS	     0xee /* #DB's stub, for a sweep of it while #DB itself steps */
#define VECTOR_WATCHDOG	     0xfa /* is this CPU alive? kernel/watchdog.c */
#define VECTOR_CALL_FUNCTION 0xfb /* cross-calls: mm and everybody else's */
#define VECTOR_SPURIOUS	     0xff
#define VECTOR_SYSCALL	     0x100

#define PF_PRESENT BIT(0)
#define PF_WRITE   BIT(1)
#define PF_USER	   BIT(2)
#define PF_INSTR   BIT(4)
