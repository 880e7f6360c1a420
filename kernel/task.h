/* SPDX-License-Identifier: MIT */
/*
 * A ring-3 program on its CPU: own root, own kernel stack. A task is created and destroyed by a
 * housekeeping CPU and runs, once, from start to end, on one CPU; it never sleeps in the kernel.
 */
#pragma once

#include "arch/x86_64/regs.h"
#include "arch/x86_64/types.h"
#include "mm/tlbflush.h"

struct program {
	const char *name;
	const void *image;
	size_t len;
};

/* The exception that ended a task. */
struct task_fault {
	u64 vector, error_code, rip;
	u64 address; /* of a page fault */
};

struct task {
	const struct program *program;
	struct user_mm mm;
	u64 entry, user_stack_top;
	u64 arg;	      /* first argument of the program */
	void *vmap_stack;     /* vmap_stack=on: what to vfree */
	u64 kernel_stack_top; /* 0: what is left of the CPU's idle stack */
	u32 cpu;	      /* where it runs */
	bool ended;
	u64 exit_code;
	char fault[96];		     /* why the kernel ended it; "" if it exited by itself */
	struct task_fault exception; /* the same as numbers; valid if `excepted` */
	bool excepted;
	bool silent;  /* what it writes goes nowhere */
	void *report; /* where SYS_EXIT copies the program's report; NULL: nowhere */
	size_t report_len;
};

struct task_config {
	bool vmap_stack;
	phys_addr_t storm_page; /* mapped read-only at STORM_PAGE_VA; 0: none */
};

/*
 * Makes a task of PROGRAM for CPU. Returns NULL and a text in *ERROR when the program is no good or
 * memory is short. Housekeeping CPU, interrupts on.
 */
struct task *task_create(const struct program *program, unsigned int cpu,
			 const struct task_config *config, const char **error);

/* Runs TASK (struct task *) on the calling CPU until it ends: a cpu_work_t. */
void task_run(void *task);

/*
 * Makes a task that has ended ready to be run once more, from its beginning, with its memory as it
 * was left. Any CPU, the task on none.
 */
void task_rearm(struct task *task);

/* Gives back all that the task had. It must have ended, or never run. */
void task_destroy(struct task *task);

/* Ends the running task. Task's stack; does not return. */
_Noreturn void task_end(u64 exit_code);

/* Maps one more page into the task's root: a test's means. 0 or a negative error. */
int task_map(struct task *task, u64 va, phys_addr_t frame, u64 flags);
