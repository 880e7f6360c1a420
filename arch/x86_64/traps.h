/* SPDX-License-Identifier: MIT */
/*
 * From the doors to their handlers. What lies above this floor is declared here and defined there.
 */
#pragma once

#include "arch/x86_64/regs.h"
#include "arch/x86_64/types.h"

/* Called by entry.asm only. */
void handle_user_entry(struct pt_regs *regs);
void handle_kernel_entry(struct pt_regs *regs, u64 interrupted_cr3);
void handle_paranoid_entry(struct pt_regs *regs, u64 interrupted_cr3);

/* "#PF page fault", for reports. */
const char *vector_name(u64 vector);

/* --- Defined in kernel/ ------------------------------------------------------------------------
 */

enum check_point { CHECK_ENTRY, CHECK_NMI, CHECK_KERNEL, CHECK_EXIT };

/* The generation oracle's look at this CPU. Any context behind the danger zone, and NMI. */
void oracle_check_local(enum check_point where);

/* Reads this CPU's canary as an NMI handler may: true if there was anything to compare. NMI. */
bool canary_check_nmi_local(void);

/* Another CPU asked whether this one takes interrupts. Interrupts off. */
void watchdog_answer(void);

/* A system call; number in regs->rax, result goes there. Task's stack, interrupts on. */
void handle_syscall(struct pt_regs *regs);

/* An exception in ring 3: ends the task. Does not return. Task's stack, interrupts on. */
_Noreturn void handle_user_exception(struct pt_regs *regs, u64 fault_address);

/* An exception in ring 0 that nothing expected. */
_Noreturn void handle_kernel_exception(struct pt_regs *regs);

/* Set by a test for one NMI, #DB or the like; called on the door's stack. NULL: nothing. */
typedef void (*paranoid_hook_t)(struct pt_regs *regs);
extern paranoid_hook_t nmi_hook, db_hook, bp_hook, mc_hook;

/*
 * Set by a test: is this exception in ring 3 expected? Then the program goes on behind it; any other
 * is a fault of the program. Task's stack, interrupts on.
 */
typedef bool (*user_fault_hook_t)(struct pt_regs *regs);
extern user_fault_hook_t user_fault_hook;

/* Set by a panic: called at every NMI, before anything else of its handler. Does not return. */
extern paranoid_hook_t stop_hook;

/* Set by a test: called at VECTOR_TEST and VECTOR_TIMER, interrupts off. */
typedef void (*irq_hook_t)(struct pt_regs *regs);
extern irq_hook_t test_irq_hook;
