/* SPDX-License-Identifier: MIT */
/*
 * The end of a machine that cannot go on: one report by one CPU, the others stopped.
 */
#include <stdarg.h>

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/traps.h"
#include "arch/x86_64/zone_trap.h"
#include "kernel/backtrace.h"
#include "kernel/console.h"
#include "kernel/debugcon.h"
#include "kernel/ending.h"
#include "kernel/format.h"
#include "kernel/panic.h"
#include "kernel/trace_report.h"
#include "kernel/zone_report.h"
#include "mm/vmalloc.h"

#define PANIC_TEXT 400

/* Only one CPU gets behind panic_begin(). */
static struct backtrace trace;

/* Before the per-CPU block is there GS is 0, and a look at it would fault again. */
static int cpu_number_or_none(void)
{
	return rdmsr(MSR_GS_BASE) >= CPU_AREA_BASE ? (int)this_cpu_number() : -1;
}

void panic_say(const char *fmt, ...)
{
	char line[PANIC_TEXT];
	va_list args;
	int length;

	va_start(args, fmt);
	length = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	console_write(line, min((size_t)length, sizeof(line) - 1));
}

/*
 * One CPU reports. A second one that panics waits to be stopped, so that it does not cut the report
 * off; the same CPU again, in the middle of its report, ends the machine at once.
 */
void panic_begin(void)
{
	static int reporter = -2; /* nobody */
	int self = cpu_number_or_none();
	int expected = -2;

	local_irq_disable();
	if (!__atomic_compare_exchange_n(&reporter, &expected, self, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST)) {
		if (expected == self)
			machine_end(END_PANIC);
		cpu_halt_forever();
	}
	apic_send_stop_all(VECTOR_STOP);
	console_panic_begin();
}

_Noreturn void panic_end(void)
{
	trace_report(console_write);
	if (debugcon_present())
		trace_export(debugcon_write);
	machine_end(END_PANIC);
}

void panic(const char *fmt, ...)
{
	char text[PANIC_TEXT];
	va_list args;

	panic_begin();
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	panic_say("\npanic on CPU %d: %s\n", cpu_number_or_none(), text);
	backtrace_here(&trace);
	panic_say("backtrace:\n");
	backtrace_print(&trace, panic_say);
	panic_end();
}

static const char *const states[] = {
	[VMAP_NO_AREA] = "no area", [VMAP_LIVE] = "live", [VMAP_LAZY] = "lazily freed",
	[VMAP_PURGING] = "purging", [VMAP_HELD] = "held", [VMAP_UNKNOWN] = "state unknown",
};

static void say_address(u64 addr)
{
	const char *guard = guard_page_name(addr);
	struct vmap_area_info area = {0};
	enum vmap_state state;

	if (guard) {
		panic_say("address %016lx: guard page of the %s (stack overflow)\n", addr, guard);
		return;
	}
	if (addr < VMALLOC_START || addr >= VMALLOC_END) {
		panic_say("address %016lx\n", addr);
		return;
	}
	state = find_vmap_area(addr, &area);
	panic_say("address %016lx in the vmalloc area: %s", addr, states[state]);
	if (area.kind)
		panic_say(", %s %016lx-%016lx of %p", area.kind, area.start, area.end, area.caller);
	panic_say("\n");
}

static void say_zone(u64 rip)
{
	char history[PANIC_TEXT / 2], place[40];

	zone_history(history, sizeof(history));
	zone_place(place, sizeof(place), rip);
	panic_say("R3: in the danger zone%s%s, where zone=trap has the vmalloc area absent\n",
		  place[0] ? ", at " : "", place);
	panic_say("doors that this CPU has passed, by its entry count: %s\n", history);
}

void handle_kernel_exception(struct pt_regs *regs)
{
	u64 fault_address = read_cr2();

	panic_begin();
	panic_say("\npanic on CPU %d: %s in ring %lu at %016lx, error %lx\n", cpu_number_or_none(),
		  vector_name(regs->vector), regs->cs & 3, regs->rip, regs->error_code);
	if (regs->vector == VECTOR_PF || regs->vector == VECTOR_DF)
		say_address(fault_address);
	if (zone_trap_in_zone(regs->vector == VECTOR_DF))
		say_zone(regs->rip);
	panic_say("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", regs->rax, regs->rbx,
		  regs->rcx, regs->rdx);
	panic_say("rsi %016lx  rdi %016lx  rbp %016lx  rsp %016lx\n", regs->rsi, regs->rdi,
		  regs->rbp, regs->rsp);
	panic_say("r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx\n", regs->r8, regs->r9, regs->r10,
		  regs->r11);
	panic_say("r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx\n", regs->r12, regs->r13,
		  regs->r14, regs->r15);
	backtrace_from(&trace, regs->rip, regs->rsp);
	panic_say("flags %lx  cr3 %lx  gs %lx\n", regs->rflags, read_cr3(), rdmsr(MSR_GS_BASE));
	panic_say("backtrace:\n");
	backtrace_print(&trace, panic_say);
	panic_end();
}
