/* SPDX-License-Identifier: MIT */
/*
 * Every number that assembly shares with C. Compiled to assembly only; the build turns the lines
 * below into %defines (offsets.inc), so no offset is kept by hand.
 */
#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/doors.h"
#include "arch/x86_64/insn_count.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/roots.h"
#include "arch/x86_64/smp.h"
#include "arch/x86_64/step.h"
#include "arch/x86_64/write_watch.h"

#define DEFINE(name, value) __asm__ volatile("\n.ascii \"->" #name " %c0\"" : : "i"(value))

void asm_offsets(void);

void asm_offsets(void)
{
	DEFINE(KERNEL_BASE, KERNEL_BASE);
	DEFINE(DIRECT_MAP_SLOT, DIRECT_MAP_BASE >> 39 & 511);
	DEFINE(CPU_AREA_STRIDE, CPU_AREA_STRIDE);
	DEFINE(CR3_RING3_ROOT, CR3_RING3_ROOT);
	DEFINE(CR3_RING3_PCID, CR3_RING3_PCID);
	DEFINE(KERNEL_CS, KERNEL_CS);
	DEFINE(USER_CS, USER_CS);
	DEFINE(USER_DS, USER_DS);

	DEFINE(PERCPU_USER_RSP, offsetof(struct percpu, user_rsp));
	DEFINE(PERCPU_ENTRY_STACK_TOP, offsetof(struct percpu, entry_stack_top));
	DEFINE(PERCPU_USER_FRAME, offsetof(struct percpu, user_frame));
	DEFINE(PERCPU_KERNEL_STACK_TOP, offsetof(struct percpu, kernel_stack_top));
	DEFINE(PERCPU_DOOR_SCRATCH, offsetof(struct percpu, door_scratch));
	DEFINE(PERCPU_USER_PAGE_ENTRIES, CPU_AREA_USER_PAGE + offsetof(struct user_page, entries));
	DEFINE(PERCPU_USER_PAGE_EXITS, CPU_AREA_USER_PAGE + offsetof(struct user_page, exits));

	DEFINE(DOORS_ENTER, offsetof(struct door_ops, enter));
	DEFINE(DOORS_EXIT, offsetof(struct door_ops, exit));
	DEFINE(DOORS_NMI_ENTER, offsetof(struct door_ops, nmi_enter));
	DEFINE(DOORS_NMI_EXIT, offsetof(struct door_ops, nmi_exit));

	DEFINE(REGS_VECTOR, offsetof(struct pt_regs, vector));
	DEFINE(REGS_RIP, offsetof(struct pt_regs, rip));
	DEFINE(REGS_CS, offsetof(struct pt_regs, cs));
	DEFINE(REGS_RFLAGS, offsetof(struct pt_regs, rflags));
	DEFINE(REGS_RSP, offsetof(struct pt_regs, rsp));
	DEFINE(VECTOR_SYSCALL, VECTOR_SYSCALL);
	DEFINE(VECTOR_NMI, VECTOR_NMI);
	DEFINE(VECTOR_FIRST_IRQ, VECTOR_FIRST_IRQ);

	DEFINE(STEP_POSITION, offsetof(struct step_state, position));
	DEFINE(STEP_WANTED, offsetof(struct step_state, wanted));
	DEFINE(STEP_RIP, offsetof(struct step_state, rip));
	DEFINE(STEP_STOPS, offsetof(struct step_state, stops));
	DEFINE(STEP_RELEASED, offsetof(struct step_state, released));
	DEFINE(STEP_ENDED, offsetof(struct step_state, ended));
	DEFINE(STEP_LATE, offsetof(struct step_state, late));
	DEFINE(STEP_LIMIT, offsetof(struct step_state, limit));
	DEFINE(STEP_PAUSE, offsetof(struct step_state, pause));
	DEFINE(STEP_DOOR_RIP, offsetof(struct step_state, door_rip));
	DEFINE(STEP_DOOR_STACK, offsetof(struct step_state, door_stack));
	DEFINE(STEP_LENGTH, offsetof(struct step_state, length));
	DEFINE(STEP_TRACE, offsetof(struct step_state, trace));
	DEFINE(STEP_RSP, offsetof(struct step_state, rsp));
	DEFINE(STEP_ACTIVE, offsetof(struct step_state, active));
	DEFINE(STEP_WAITING, offsetof(struct step_state, waiting));
	DEFINE(STEP_LOOKS, offsetof(struct step_state, looks));
	DEFINE(STEP_STACK_TOP, offsetof(struct step_state, stack_top));
	DEFINE(STEP_ROUTE_BEGIN, offsetof(struct step_state, route.begin));
	DEFINE(STEP_ROUTE_KERNEL, offsetof(struct step_state, route.kernel));
	DEFINE(STEP_ROUTE_EXIT, offsetof(struct step_state, route.exit));
	DEFINE(STEP_ROUTE_END, offsetof(struct step_state, route.end));
	DEFINE(STEP_FRAME, offsetof(struct step_state, frame));
	DEFINE(STEP_FRAME_WORDS, STEP_FRAME_WORDS);
	DEFINE(STEP_STATE_SIZE, sizeof(struct step_state));
	DEFINE(STEP_INITIATOR, STEP_INITIATOR);
	DEFINE(STEP_TRACE_MAX, STEP_TRACE_MAX);
	DEFINE(STEP_NEXT, STEP_NEXT);
	DEFINE(STEP_ZONE_SHIFT, STEP_ZONE_SHIFT);
	DEFINE(STEP_KERNEL, STEP_AT(STEP_ZONE_KERNEL, 0));
	DEFINE(STEP_EXIT, STEP_AT(STEP_ZONE_EXIT, 0));

	DEFINE(INSN_COUNT, offsetof(struct insn_count_state, count));
	DEFINE(INSN_WAITS, offsetof(struct insn_count_state, waits));
	DEFINE(INSN_LAST, offsetof(struct insn_count_state, last));
	DEFINE(INSN_RESUME, offsetof(struct insn_count_state, resume));
	DEFINE(WRITE_WATCH_HITS, offsetof(struct write_watch_state, hits));

	DEFINE(AP_SLOT_SIZE, sizeof(struct ap_slot));
	DEFINE(AP_SLOT_APIC_ID, offsetof(struct ap_slot, apic_id));
	DEFINE(AP_SLOT_STACK, offsetof(struct ap_slot, stack_top));
	DEFINE(AP_CALLED, AP_CALLED);
	DEFINE(AP_ALIVE, AP_ALIVE);
}
