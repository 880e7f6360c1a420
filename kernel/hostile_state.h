/* SPDX-License-Identifier: MIT */
/*
 * The state of a CPU that ring 3 must not be able to change: what it was before the first
 * operation, and whether it still is. Looked at on that CPU, in its idle context, between tasks.
 */
#pragma once

#include "arch/x86_64/types.h"

#define STATE_STACKS 5
#define STATE_MSRS   9

struct table_register {
	u16 limit;
	u64 base;
} __packed;

struct cpu_state {
	u64 cr0, cr3, cr4, dr7, rflags;
	u64 msr[STATE_MSRS];
	struct table_register gdt, idt;
	u16 task_register, ldt;
	u64 tables_sum; /* GDT and TSS */
	u64 idt_sum;
	u64 quiet_sum; /* the #DF and #MC stacks, which nobody may ever have used */
	u64 entry_stack_top, user_frame, kernel_stack_top, apic_id;
};

/* Plants the stacks' sentinels and writes down the state of the calling CPU. */
void cpu_state_take(struct cpu_state *state);

/*
 * NULL, or what is not as it was in STATE (static text). Interrupts on; an NMI may strike anywhere.
 */
const char *cpu_state_changed(const struct cpu_state *state);

/* The kernel's text and constants, as one number. Any CPU. */
u64 kernel_image_sum(void);
