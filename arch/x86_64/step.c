/* SPDX-License-Identifier: MIT */
/*
 * Stepping, see step.h. The state is the door's, so it lies where every root maps it; the armed CPU
 * alone writes it between step_begin() and the end of the call, but for `wanted` and `released`.
 */
#include "arch/x86_64/step.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/relax.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/tsc.h"

/* The stopped CPU outwaits its controller, whose message says more. */
#define WAIT_LIMIT_MS 30000
#define DOOR_LIMIT_MS (3 * WAIT_LIMIT_MS)

extern const char step_door[];
extern const u64 interrupt_stubs[];

struct step_state step_state __section(".entry.data");

#define NOBODY (~0U)
static unsigned int armed = NOBODY;

static void let_tf_in(void *unused)
{
	(void)unused;
	wrmsr(MSR_FMASK, rdmsr(MSR_FMASK) & ~RFLAGS_TF);
}

static void keep_tf_out(void *unused)
{
	(void)unused;
	wrmsr(MSR_FMASK, rdmsr(MSR_FMASK) | RFLAGS_TF);
	write_dr6(0);
}

void step_arm(unsigned int cpu)
{
	BUG_ON(armed != NOBODY);
	armed = cpu;
	memset(&step_state, 0, sizeof(step_state));
	step_state.limit = DOOR_LIMIT_MS * tsc_khz;
	step_state.pause = !relax_without_pause;
	idt_set_stub(VECTOR_DB, step_door);
	smp_call_function_single(cpu, CALL_OTHER, let_tf_in, NULL);
}

void step_disarm(void)
{
	smp_call_function_single(armed, CALL_OTHER, keep_tf_out, NULL);
	idt_set_stub(VECTOR_DB, NULL);
	armed = NOBODY;
}

void step_begin(u64 wanted)
{
	step_state.position = STEP_NOWHERE; /* the first one raises it to 0 */
	step_state.ended = 0;
	memset(step_state.length, 0, sizeof(step_state.length));
	memset(step_state.trace, 0, sizeof(step_state.trace));
	__atomic_store_n(&step_state.wanted, wanted, __ATOMIC_SEQ_CST);
}

void step_begin_door(unsigned int vector)
{
	u64 area = cpu_area(armed);

	BUG_ON(vector != VECTOR_NMI && vector < VECTOR_FIRST_IRQ);
	step_begin(STEP_NOWHERE);
	step_state.door_stack = CPU_AREA_STACK_SIZE + (vector == VECTOR_NMI
							       ? area + CPU_AREA_IST_STACKS
							       : area + CPU_AREA_ENTRY_STACK);
	__atomic_store_n(&step_state.door_rip, interrupt_stubs[vector], __ATOMIC_SEQ_CST);
}

static bool is_stopped(void)
{
	return __atomic_load_n(&step_state.stops, __ATOMIC_ACQUIRE) != step_state.released;
}

bool step_wait(void)
{
	u64 deadline = tsc_deadline(WAIT_LIMIT_MS);

	while (!is_stopped()) {
		if (__atomic_load_n(&step_state.ended, __ATOMIC_ACQUIRE))
			return is_stopped();
		if (tsc_passed(deadline))
			panic("CPU %u has neither reached position %lx nor ended its system call "
			      "within %u ms; it is at %lx",
			      armed, step_state.wanted, WAIT_LIMIT_MS,
			      READ_ONCE(step_state.position));
		cpu_relax();
	}
	return true;
}

void step_release(u64 next)
{
	BUG_ON(!is_stopped());
	if (READ_ONCE(step_state.late))
		panic("CPU %u was not released at %lx within %u ms", armed, step_state.rip,
		      DOOR_LIMIT_MS);
	__atomic_store_n(&step_state.wanted, next, __ATOMIC_RELEASE);
	__atomic_store_n(&step_state.released, step_state.stops, __ATOMIC_RELEASE);
}

u64 step_rip(void)
{
	return step_state.rip;
}

u64 step_length(enum step_zone zone)
{
	return step_state.length[zone];
}

u64 step_trace(enum step_zone zone, u64 index)
{
	return index < STEP_TRACE_MAX ? step_state.trace[zone][index] : 0;
}

#define OPCODE_STI 0xfb

u64 step_instructions(enum step_zone zone)
{
	u64 count = step_length(zone);
	u64 seen = count;

	if (seen > STEP_TRACE_MAX)
		return 0;
	for (u64 i = 0; i + 1 < seen; i++) {
		u64 rip = step_trace(zone, i);

		if (*(const u8 *)rip == OPCODE_STI && step_trace(zone, i + 1) != rip + 1)
			count++;
	}
	return count;
}
