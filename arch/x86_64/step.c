/* SPDX-License-Identifier: MIT */
/*
 * Stepping, see step.h. The state is the door's, so it lies where every root maps it; the armed CPU
 * alone writes it between step_begin() and the end of the track, but for `wanted` and `released`.
 */
#include "arch/x86_64/step.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/doors.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/relax.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/tsc.h"

/* The stopped CPU outwaits its controller, whose message says more. */
#define WAIT_LIMIT_MS 30000
#define DOOR_LIMIT_MS (3 * WAIT_LIMIT_MS)

/* DR7: breakpoint 0 on execution, kept over task switches. Bit 10 is always 1 (SDM Vol 3 17.2). */
#define DR7_NONE BIT(10)
#define DR7_DR0	 (DR7_NONE | BIT(1))

extern const char step_door[];

struct step_state step_states[STEP_TRACKS] __section(".entry.data");

#define NOBODY (~0U)
static unsigned int armed[STEP_TRACKS] = {NOBODY, NOBODY, NOBODY};

static unsigned int cpu_of(enum step_track track)
{
	return armed[track == STEP_NESTED ? STEP_TARGET : track];
}

static void let_tf_in(void *unused)
{
	(void)unused;
	wrmsr(MSR_FMASK, rdmsr(MSR_FMASK) & ~RFLAGS_TF);
}

static void keep_tf_out(void *unused)
{
	(void)unused;
	wrmsr(MSR_FMASK, rdmsr(MSR_FMASK) | RFLAGS_TF);
	write_dr7(DR7_NONE);
	write_dr6(0);
}

static bool anybody_armed(void)
{
	return armed[STEP_TARGET] != NOBODY || armed[STEP_INITIATOR] != NOBODY;
}

static void reset(struct step_state *state, u64 stack_top)
{
	memset(state, 0, sizeof(*state));
	state->limit = DOOR_LIMIT_MS * tsc_khz;
	state->pause = !relax_without_pause;
	state->stack_top = stack_top;
}

static u64 ist_stack_top(unsigned int cpu, unsigned int ist)
{
	return cpu_area(cpu) + CPU_AREA_IST_STACKS + (ist - 1) * CPU_AREA_IST_STEP +
	       CPU_AREA_STACK_SIZE;
}

void step_arm(enum step_track track, unsigned int cpu)
{
	u64 stack_top = ist_stack_top(cpu, IST_DB);

	BUG_ON(track == STEP_NESTED || armed[track] != NOBODY);
	reset(&step_states[track], stack_top);
	if (track == STEP_TARGET) {
		reset(&step_states[STEP_NESTED], stack_top);
		step_states[STEP_TARGET].route.kernel = (u64)danger_zone_end;
		step_states[STEP_TARGET].route.exit = (u64)exit_zone_begin;
	}
	if (!anybody_armed())
		idt_set_stub(VECTOR_DB, step_door);
	armed[track] = cpu;
	smp_call_function_single(cpu, CALL_OTHER, let_tf_in, NULL);
}

void step_disarm(enum step_track track)
{
	smp_call_function_single(armed[track], CALL_OTHER, keep_tf_out, NULL);
	step_states[track].stack_top = 0;
	armed[track] = NOBODY;
	if (!anybody_armed())
		idt_set_stub(VECTOR_DB, NULL);
}

static void set_breakpoint(void *route)
{
	write_dr0(((const struct step_route *)route)->begin);
	write_dr7(DR7_DR0);
}

static void clear_breakpoint(void *unused)
{
	(void)unused;
	write_dr7(DR7_NONE);
}

void step_set_route(enum step_track track, const struct step_route *route)
{
	/* The door passes a breakpoint by the route that is known: the old one goes first. */
	smp_call_function_single(cpu_of(track), CALL_OTHER, clear_breakpoint, NULL);
	step_states[track].route = *route;
	if (route->begin)
		smp_call_function_single(cpu_of(track), CALL_OTHER, set_breakpoint, (void *)route);
}

void step_begin(enum step_track track, u64 wanted)
{
	struct step_state *state = &step_states[track];

	state->position = STEP_NOWHERE; /* the first one raises it to 0 */
	state->ended = 0;
	memset(state->length, 0, sizeof(state->length));
	state->wanted = wanted;
	__atomic_store_n(&state->active, 1, __ATOMIC_SEQ_CST);
}

void step_begin_door(unsigned int vector)
{
	unsigned int cpu = armed[STEP_TARGET];
	struct step_state *state = &step_states[STEP_TARGET];

	BUG_ON(vector != VECTOR_NMI && vector < VECTOR_FIRST_IRQ);
	step_begin(STEP_TARGET, STEP_NOWHERE);
	state->door_stack = vector == VECTOR_NMI
				    ? ist_stack_top(cpu, IST_NMI)
				    : cpu_area(cpu) + CPU_AREA_ENTRY_STACK + CPU_AREA_STACK_SIZE;
	__atomic_store_n(&state->door_rip, interrupt_stub(vector), __ATOMIC_SEQ_CST);
}

bool step_is_stopped(enum step_track track)
{
	const struct step_state *state = &step_states[track];

	return __atomic_load_n(&state->stops, __ATOMIC_ACQUIRE) != state->released;
}

bool step_has_ended(enum step_track track)
{
	return __atomic_load_n(&step_states[track].ended, __ATOMIC_ACQUIRE);
}

bool step_wait(enum step_track track, bool (*over)(void))
{
	struct step_state *state = &step_states[track];
	u64 deadline = tsc_deadline(WAIT_LIMIT_MS);

	while (!step_is_stopped(track)) {
		if (step_has_ended(track) || (over && over()))
			return step_is_stopped(track);
		if (tsc_passed(deadline))
			panic("CPU %u has neither reached position %lx nor ended its way within "
			      "%u ms; it is at %lx",
			      cpu_of(track), state->wanted, WAIT_LIMIT_MS,
			      READ_ONCE(state->position));
		cpu_relax();
	}
	return true;
}

void step_release(enum step_track track, u64 next)
{
	struct step_state *state = &step_states[track];

	BUG_ON(!step_is_stopped(track));
	if (READ_ONCE(state->late))
		panic("CPU %u was not released at %lx within %u ms", cpu_of(track), state->rip,
		      DOOR_LIMIT_MS);
	__atomic_store_n(&state->wanted, next, __ATOMIC_RELEASE);
	__atomic_store_n(&state->released, state->stops, __ATOMIC_RELEASE);
}

void step_strike_mc(void)
{
	struct step_state *state = &step_states[STEP_TARGET];

	state->door_stack = ist_stack_top(armed[STEP_TARGET], IST_MC);
	__atomic_store_n(&state->door_rip, interrupt_stub(VECTOR_MC), __ATOMIC_RELEASE);
	step_release(STEP_TARGET, STEP_NEXT);
}

u64 step_rip(enum step_track track)
{
	return step_states[track].rip;
}

u64 step_rsp(enum step_track track)
{
	return step_states[track].rsp;
}

u64 step_looks(enum step_track track)
{
	return READ_ONCE(step_states[track].looks);
}

u64 step_length(enum step_track track, enum step_zone zone)
{
	return step_states[track].length[zone];
}

u64 step_trace(enum step_track track, enum step_zone zone, u64 index)
{
	return index < step_length(track, zone) && index < STEP_TRACE_MAX
		       ? step_states[track].trace[zone][index]
		       : 0;
}

#define OPCODE_STI 0xfb

u64 step_instructions(enum step_track track, enum step_zone zone)
{
	u64 count = step_length(track, zone);
	u64 seen = count;

	if (seen > STEP_TRACE_MAX)
		return 0;
	for (u64 i = 0; i + 1 < seen; i++) {
		u64 rip = step_trace(track, zone, i);

		if (*(const u8 *)rip == OPCODE_STI && step_trace(track, zone, i + 1) != rip + 1)
			count++;
	}
	return count;
}
