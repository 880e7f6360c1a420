/* SPDX-License-Identifier: MIT */
/*
 * The end of a machine that cannot go on: one report by one CPU, the others stopped.
 */
#include <stdarg.h>

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/traps.h"
#include "arch/x86_64/zone_trap.h"
#include "kernel/console.h"
#include "kernel/debugcon.h"
#include "kernel/ending.h"
#include "kernel/format.h"
#include "kernel/panic.h"
#include "kernel/say.h"
#include "kernel/stopped.h"
#include "kernel/symbols.h"
#include "kernel/trace_report.h"
#include "kernel/zone_report.h"
#include "mm/vmalloc.h"

#define PANIC_TEXT 400

/* Before the per-CPU block is there GS is 0, and a look at it would fault again. */
static int cpu_number_or_none(void)
{
	return rdmsr(MSR_GS_BASE) >= CPU_AREA_BASE ? (int)this_cpu_number() : -1;
}

/*
 * One CPU reports. A second one that panics waits to be stopped, so that it does not cut the report
 * off; the same CPU again, in the middle of its report, says so and ends the machine. WHAT and RIP
 * are for that line. What led to it comes first, so that a screen ends with what it is.
 */
void panic_begin(const char *what, u64 rip)
{
	static int reporter = -2; /* nobody */
	static bool again;
	int self = cpu_number_or_none();
	int expected = -2;

	local_irq_disable();
	if (!__atomic_compare_exchange_n(&reporter, &expected, self, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST)) {
		if (expected != self || again)
			cpu_halt_forever();
		again = true;
		say("\n%s on CPU %d at %016lx, in the middle of this report, which ends here\n",
		    what, self, rip);
		machine_end(END_PANIC);
	}
	stop_other_cpus();
	console_panic_begin();
	trace_report(console_write);
}

/* Who called whom, here and on the other CPUs, and the end. */
_Noreturn void panic_end(u64 rip, u64 rsp)
{
	if (cpu_number_or_none() >= 0) {
		say_backtrace(this_cpu_number(), rip, rsp);
		say_other_cpus();
	} else {
		say("called from %p\n", (void *)rip);
	}
	if (debugcon_present())
		trace_export(debugcon_write);
	machine_end(END_PANIC);
}

void panic(const char *fmt, ...)
{
	char text[PANIC_TEXT];
	va_list args;

	panic_begin("panic", (u64)__builtin_return_address(0));
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	say("\npanic on CPU %d: %s\n", cpu_number_or_none(), text);
	/* Behind the saved RBP and the return address (System V ABI, 3.2.2). */
	panic_end((u64)__builtin_return_address(0), (u64)__builtin_frame_address(0) + 16);
}

static const char *const states[] = {
	[VMAP_NO_AREA] = "no area", [VMAP_LIVE] = "live", [VMAP_LAZY] = "lazily freed",
	[VMAP_PURGING] = "purging", [VMAP_HELD] = "held", [VMAP_UNKNOWN] = "state unknown",
};

static const char *place_of(u64 return_address, char *buf, size_t size)
{
	struct text text = text_in(buf, size);

	text_add_return_address(&text, return_address);
	return buf;
}

static void say_address(u64 addr)
{
	char place[80];
	const char *guard = guard_page_name(addr);
	struct vmap_area_info area = {0};
	enum vmap_state state;

	if (guard) {
		say("address %016lx: guard page of the %s (stack overflow)\n", addr, guard);
		return;
	}
	if (addr < VMALLOC_START || addr >= VMALLOC_END) {
		say("address %016lx\n", addr);
		return;
	}
	state = find_vmap_area(addr, &area);
	say("address %016lx in the vmalloc area: %s", addr, states[state]);
	if (area.kind)
		say(", %s\n  %016lx-%016lx of %s", area.kind, area.start, area.end,
		    place_of((u64)area.caller, place, sizeof(place)));
	say("\n");
}

static void say_zone(u64 rip)
{
	char history[PANIC_TEXT / 2], place[40];

	zone_history(history, sizeof(history));
	zone_place(place, sizeof(place), rip);
	say("R3: in the danger zone%s%s, where zone=trap has the vmalloc area absent\n",
	    place[0] ? ", at " : "", place);
	say("doors that this CPU has passed, by its entry count: %s\n", history);
}

void handle_kernel_exception(struct pt_regs *regs)
{
	u64 fault_address = read_cr2();

	panic_begin(vector_name(regs->vector), regs->rip);
	say("\npanic on CPU %d: %s in ring %lu at %016lx, error %lx\n", cpu_number_or_none(),
	    vector_name(regs->vector), regs->cs & 3, regs->rip, regs->error_code);
	if (regs->vector == VECTOR_PF || regs->vector == VECTOR_DF)
		say_address(fault_address);
	if (zone_trap_in_zone(regs->vector == VECTOR_DF))
		say_zone(regs->rip);
	say_registers(regs);
	say("flags %lx  cr3 %lx  gs %lx\n", regs->rflags, read_cr3(), rdmsr(MSR_GS_BASE));
	panic_end(regs->rip, regs->rsp);
}
