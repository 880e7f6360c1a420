/* SPDX-License-Identifier: MIT */
/*
 * A ring-3 program (user/step.c) on an isolated CPU that makes a system call when it is told to,
 * stepped (arch/x86_64/step.h) or not, and never otherwise.
 *
 * Context of all: boot CPU, interrupts on. One stepper at a time.
 */
#pragma once

#include "kernel/task.h"
#include "user/step.h"

struct stepper {
	unsigned int cpu;
	struct task *task;
	volatile struct step_page *page; /* STEP_PAGE_VA */
	phys_addr_t frame;
};

/* Starts it on CPU, which is idle, and arms the CPU. NULL or what went wrong. */
const char *stepper_start(struct stepper *s, unsigned int cpu, bool vmap_stack);

/* Gives it an order, and waits until it has carried it out: for orders that do not end it. */
void stepper_order(struct stepper *s, enum step_order order);
void stepper_wait(struct stepper *s);

/* Both. */
void stepper_call(struct stepper *s, enum step_order order);

/*
 * For a way into the kernel that somebody else may send it on: ask from before the way whether it
 * has come in and ring 3 runs again. The door of a stepped CPU does not always see that.
 */
void stepper_way_begin(const struct stepper *s);
bool stepper_is_back(void);

/* Ends it, disarms the CPU, gives everything back. */
void stepper_end(struct stepper *s);

/* Kernel instructions of a system call, each zone's for itself. */
struct step_counts {
	u64 entry;  /* up to danger_zone_end */
	u64 kernel; /* from there to exit_zone_begin */
	u64 exit;   /* from there on, SYSRET included */
};

/*
 * Untraced calls before a count. The drain oracle remembers two drains back, so that the kernel
 * comes to the same path each time only then under a policy that drains at every entry.
 */
#define STEP_WARM_UP_CALLS 4

/*
 * Steps a whole null system call. What it counts is the policy's in force; `make counts` counts the
 * same from outside. False if the call did not come out twice the same.
 */
bool stepper_count_null(struct stepper *s, struct step_counts *counts);

/* The instructions of the call, or of the way through a door, that is over. */
struct step_counts step_counts(void);

/*
 * For other experiments: kernel instructions of a null system call there and back under the policy
 * in force, on CPU, which is isolated and idle. 0 if they cannot be counted.
 */
u32 step_count_null_syscall(unsigned int cpu, bool vmap_stack);
