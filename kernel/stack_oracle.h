/* SPDX-License-Identifier: MIT */
/*
 * The oracle of run=stacks: does a CPU that has entered the kernel reach a task's stack by an old
 * translation of an address at which another stack, in other frames, lay before?
 *
 * The boot CPU writes {address, generation} into the lowest page of each new stack, through the
 * direct map: no translation of the vmalloc area takes part. Isolated CPUs read the pair at the
 * stack's own address, behind the danger zone: the CPU that is about to run on it, and all others
 * at each SYS_PROBE. No two stacks have the same generation, so whatever an old translation leads
 * to, an older stack or anything that its frame was used for since, it is not that pair. The one
 * case that cannot show is the same frame at the same address; `exposed` leaves it out.
 *
 * The pages above the lowest are the task's to use, and are not looked at.
 */
#pragma once

#include "arch/x86_64/types.h"

struct stack_counts {
	u64 checks;  /* reads of a stack that was there before and after */
	u64 exposed; /* of these, the first by a CPU that had last read another frame there */
	u64 stale;   /* of the checks, those that did not find the pair */
};

/* What is known of the address of a new stack. */
struct stack_address {
	bool used_before;
	bool other_frame; /* of the lowest page, than when it was used last */
};

/* Makes room for the isolated CPUs. False when memory is short. Boot CPU, interrupts on. */
bool stack_oracle_init(void);

/* Forgets all addresses and counts. Boot CPU, no stack published, no CPU in ring 3. */
void stack_oracle_reset(void);

/*
 * Tags the stack at VA, of CPU's next task, and publishes it. Panics when more than 512 addresses
 * were used since the reset. Boot CPU.
 */
struct stack_address stack_oracle_publish(unsigned int cpu, u64 va);

/* CPU's stack is about to be freed: takes it back. Boot CPU. */
void stack_oracle_withdraw(unsigned int cpu);

/* Reads all stacks that are published. Isolated CPU, behind the danger zone, any stack. */
void stack_oracle_check_local(void);

/* Reads the one that this CPU's next task will run on: false if an old translation led to it. */
bool stack_oracle_check_own(void);

/* Whether CPU has checked the stack that was published last. Any CPU. */
bool stack_oracle_checked(unsigned int cpu);

/* Counts of isolated CPU since the reset. Exact while it is idle. */
struct stack_counts stack_oracle_counts(unsigned int cpu);
