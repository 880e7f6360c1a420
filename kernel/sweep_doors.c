/* SPDX-License-Identifier: MIT */
/*
 * The doors, see sweep_doors.h: a new one is a row of the table.
 *
 * #MC and #DB are raised by INT through gates that ring 3 may use meanwhile: to the door behind it
 * that is no difference. #DB's own vector steps, so its stub stands at another one, on the stack of
 * #DF. #GP stands for all that pushes an error code.
 */
#include "kernel/sweep_doors.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/traps.h"
#include "kernel/canary.h"

#define CLI_BYTES 1

_Static_assert(STEP_VECTOR_MC == VECTOR_MC && STEP_VECTOR_DB == VECTOR_DB_ALIAS, "ring 3's");

static void send_test_irq(unsigned int target)
{
	apic_send_ipi(percpu(target)->apic_id, VECTOR_TEST);
}

static void send_call(unsigned int target)
{
	apic_send_ipi(percpu(target)->apic_id, VECTOR_CALL_FUNCTION);
}

static void send_nmi(unsigned int target)
{
	apic_send_nmi(percpu(target)->apic_id);
}

const struct sweep_door sweep_doors[] = {
	{"syscall", "SYSCALL, SYSRET", VECTOR_SYSCALL, STEP_TRACE_PROBE, false, NULL},
	{"irq", "an interrupt, IRET", VECTOR_TEST, STEP_NOTHING, false, send_test_irq},
	{"ipi", "a cross-call", VECTOR_CALL_FUNCTION, STEP_NOTHING, false, send_call},
	{"fault", "#GP, with an error code", VECTOR_GP, STEP_RAISE_GP, false, NULL},
	{"db", "#DB from ring 3", VECTOR_DB, STEP_RAISE_DB, false, NULL},
	{"mc", "#MC", VECTOR_MC, STEP_RAISE_MC, true, NULL},
	{"nmi", "NMI", VECTOR_NMI, STEP_NOTHING, true, send_nmi},
	{0},
};

const char *const *sweep_door_names(void)
{
	static const char *names[ARRAY_SIZE(sweep_doors)];

	for (u32 i = 0; sweep_doors[i].name; i++)
		names[i] = sweep_doors[i].name;
	return names;
}

bool sweep_door_is_nmi(const struct sweep_door *door)
{
	return door->vector == VECTOR_NMI;
}

/* --- What the handlers do ----------------------------------------------------------------------
 */

static unsigned int doors_target;

static bool skip_fault(struct pt_regs *regs)
{
	if (this_cpu_number() != doors_target ||
	    (regs->vector != VECTOR_GP && regs->vector != VECTOR_DB))
		return false;
	canary_probe_local();
	if (regs->vector == VECTOR_GP)
		regs->rip += CLI_BYTES;
	return true;
}

static void probe_in_irq(struct pt_regs *regs)
{
	if (regs->vector == VECTOR_TEST)
		canary_probe_local();
}

/* handle_paranoid_entry() has looked; this says that #MC is expected. */
static void expected(struct pt_regs *regs)
{
	(void)regs;
}

void sweep_doors_open(unsigned int target)
{
	doors_target = target;
	user_fault_hook = skip_fault;
	test_irq_hook = probe_in_irq;
	mc_hook = expected;
	idt_open_to_ring3(VECTOR_MC, interrupt_stub(VECTOR_MC), IST_MC);
	idt_open_to_ring3(VECTOR_DB_ALIAS, interrupt_stub(VECTOR_DB), IST_DF);
}

void sweep_doors_close(void)
{
	idt_set_stub(VECTOR_DB_ALIAS, NULL);
	idt_set_stub(VECTOR_MC, NULL);
	mc_hook = NULL;
	test_irq_hook = NULL;
	user_fault_hook = NULL;
}

struct step_route sweep_door_route(const struct sweep_door *door)
{
	return (struct step_route){
		.begin = door->vector == VECTOR_SYSCALL ? 0 : interrupt_stub(door->vector),
		.kernel = door->paranoid ? (u64)paranoid_zone_end : (u64)danger_zone_end,
		.exit = door->paranoid ? (u64)paranoid_exit_begin : (u64)exit_zone_begin,
	};
}
