/* SPDX-License-Identifier: MIT */
/*
 * System calls, see user/syscall.h. Task's stack, interrupts on.
 */
#include "user/syscall.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/traps.h"
#include "arch/x86_64/user_access.h"
#include "kernel/canary.h"
#include "kernel/console.h"
#include "kernel/format.h"
#include "kernel/stack_oracle.h"
#include "kernel/task.h"

static u64 sys_write(u64 text, u64 length)
{
	char buffer[SYS_WRITE_MAX];

	if (length > sizeof(buffer) || !copy_from_user(buffer, text, length))
		return (u64)-1;
	if (!this_cpu()->current->silent)
		console_write(buffer, length);
	return length;
}

static _Noreturn void sys_exit(u64 code, u64 report, u64 length)
{
	struct task *task = this_cpu()->current;

	canary_probe_local();
	if (report && task->report) {
		if (length != task->report_len || !copy_from_user(task->report, report, length))
			snprintf(task->fault, sizeof(task->fault),
				 "its report at %lx, %lu bytes, cannot be read", report, length);
	}
	task_end(code);
}

void handle_syscall(struct pt_regs *regs)
{
	switch (regs->rax) {
	case SYS_NULL:
		regs->rax = 0;
		return;
	case SYS_EXIT:
		sys_exit(regs->rdi, regs->rsi, regs->rdx);
	case SYS_PROBE:
		canary_probe_local();
		stack_oracle_check_local();
		regs->rax = 0;
		return;
	case SYS_WRITE:
		regs->rax = sys_write(regs->rdi, regs->rsi);
		return;
	default:
		regs->rax = SYS_UNKNOWN;
		return;
	}
}

void handle_user_exception(struct pt_regs *regs, u64 fault_address)
{
	struct task *task = this_cpu()->current;

	task->exception = (struct task_fault){regs->vector, regs->error_code, regs->rip,
					      fault_address};
	task->excepted = true;
	if (regs->vector == VECTOR_PF)
		snprintf(task->fault, sizeof(task->fault), "%s at %lx, address %lx, error %lx",
			 vector_name(regs->vector), regs->rip, fault_address, regs->error_code);
	else
		snprintf(task->fault, sizeof(task->fault), "%s at %lx, error %lx",
			 vector_name(regs->vector), regs->rip, regs->error_code);
	task_end((u64)-1);
}
