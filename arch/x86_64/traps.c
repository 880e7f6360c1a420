/* SPDX-License-Identifier: MIT */
/*
 * The C side of the doors, see traps.h. Each handler that ran because ring 3 was interrupted
 * counts its cause in the CPU's user page, so that the ring-3 program can name every gap it sees.
 */
#include "arch/x86_64/traps.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/breaks.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/extable.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/roots.h"
#include "arch/x86_64/smp_call.h"

paranoid_hook_t nmi_hook, db_hook, bp_hook, mc_hook, stop_hook;
user_fault_hook_t user_fault_hook;
irq_hook_t test_irq_hook;

const char *vector_name(u64 vector)
{
	static const char *const names[32] = {
		"#DE divide error",
		"#DB debug",
		"NMI",
		"#BP breakpoint",
		"#OF overflow",
		"#BR bound range",
		"#UD invalid opcode",
		"#NM no FPU",
		"#DF double fault",
		"coprocessor overrun",
		"#TS invalid TSS",
		"#NP segment not present",
		"#SS stack fault",
		"#GP general protection",
		"#PF page fault",
		"reserved",
		"#MF x87 error",
		"#AC alignment check",
		"#MC machine check",
		"#XM SIMD error",
		"#VE virtualization",
		"#CP control protection",
		"reserved",
		"reserved",
		"reserved",
		"reserved",
		"reserved",
		"reserved",
		"#HV hypervisor",
		"#VC VMM communication",
		"#SX security",
		"reserved",
	};

	if (vector < ARRAY_SIZE(names))
		return names[vector];
	return vector == VECTOR_SYSCALL ? "SYSCALL" : "interrupt";
}

/*
 * The cause is counted only for a CPU that came from ring 3. break=gap hides the timer's: ring 3
 * then sees an entry that no door owns up to.
 */
static void count_cause(enum entry_cause cause, const struct pt_regs *regs)
{
	if (!user_mode(regs))
		return;
	if ((broken & BREAK_GAP) && cause == CAUSE_TIMER)
		return;
	user_page(this_cpu()->cpu)->causes[cause]++;
}

static void handle_interrupt(struct pt_regs *regs)
{
	struct percpu *cpu = this_cpu();

	switch (regs->vector) {
	case VECTOR_CALL_FUNCTION:
		apic_eoi();
		count_cause(smp_call_run_queue() ? CAUSE_FLUSH_IPI : CAUSE_OTHER_IPI, regs);
		return;
	case VECTOR_SPURIOUS:
		break; /* no EOI (SDM Vol 3 10.9) */
	case VECTOR_REST:
		apic_eoi();
		return;
	case VECTOR_WATCHDOG:
		apic_eoi();
		watchdog_answer();
		count_cause(CAUSE_OTHER_IPI, regs);
		return;
	case VECTOR_TIMER:
		apic_eoi();
		cpu->irqs.timer++;
		if (test_irq_hook)
			test_irq_hook(regs);
		count_cause(CAUSE_TIMER, regs);
		return;
	case VECTOR_TEST:
		if (test_irq_hook)
			test_irq_hook(regs);
		/* fallthrough */
	default:
		apic_eoi();
		break;
	}
	cpu->irqs.unknown++;
	count_cause(CAUSE_OTHER_IPI, regs);
}

/* On its own: inline, its registers would be saved and restored on every system call, too. */
static noinline void handle_user_fault(struct pt_regs *regs)
{
	u64 fault_address = read_cr2(); /* before anything can fault again */

	this_cpu()->irqs.exceptions++;
	count_cause(CAUSE_EXCEPTION, regs);
	local_irq_enable();
	if (!user_fault_hook || !user_fault_hook(regs))
		handle_user_exception(regs, fault_address);
	local_irq_disable();
}

/*
 * Behind danger_zone_end: the task's stack, the kernel's data and the vmalloc area may be touched.
 * Interrupts are off on the way in and off again on the way out, so no purge can complete between
 * the last check and the policy's exit hook without this CPU's answer.
 */
void handle_user_entry(struct pt_regs *regs)
{
	oracle_check_local(CHECK_ENTRY);
	if (regs->vector == VECTOR_SYSCALL) {
		user_page(this_cpu()->cpu)->causes[CAUSE_SYSCALL]++;
		local_irq_enable();
		handle_syscall(regs);
		local_irq_disable();
	} else if (regs->vector >= VECTOR_FIRST_IRQ) {
		handle_interrupt(regs);
	} else {
		handle_user_fault(regs);
	}
	oracle_check_local(CHECK_EXIT);
}

/*
 * Nothing that may fault in ring 0 does so in the danger zone: there no table of fixups helps, with
 * zone=trap least of all. On ring 3's root it cannot be meant either; the door has left that root,
 * so that there is somebody to say so.
 */
void handle_kernel_entry(struct pt_regs *regs, u64 interrupted_cr3)
{
	if (regs->vector >= VECTOR_FIRST_IRQ) {
		handle_interrupt(regs);
		return;
	}
	if ((interrupted_cr3 & CR3_RING3_ROOT) ||
	    (regs->vector == VECTOR_PF && zone_trap_struck(read_cr2())))
		handle_kernel_exception(regs);
	if (regs->vector == VECTOR_BP && bp_hook) {
		bp_hook(regs);
		return;
	}
	if (extable_fixup(regs))
		return;
	handle_kernel_exception(regs);
}

/*
 * An NMI may strike between a page fault and its handler's look at CR2, and its own handler may
 * fault: CR2 is put back. INTERRUPTED_CR3 tells whether a flush by a switch to the kernel's root
 * has been executed, although the interrupted code has not booked it yet (mm/policy/drain.c).
 */
void handle_paranoid_entry(struct pt_regs *regs, u64 interrupted_cr3)
{
	struct percpu *cpu = this_cpu();
	u64 fault_address = read_cr2();

	if (!(interrupted_cr3 & CR3_RING3_ROOT))
		tlb_gen_cover_all(&cpu->tlb_gen, cpu->root_switch_covers);
	switch (regs->vector) {
	case VECTOR_NMI:
		if (unlikely(stop_hook))
			stop_hook(regs);
		cpu->irqs.nmi++;
		if (!user_mode(regs))
			cpu->irqs.nmi_from_kernel++;
		user_page(cpu->cpu)
			->causes[CAUSE_NMI]++; /* its door counts an entry from any ring */
		oracle_check_local(CHECK_NMI);
		canary_check_nmi_local();
		if (nmi_hook)
			nmi_hook(regs);
		oracle_check_local(CHECK_NMI);
		break;
	case VECTOR_DB:
		write_dr6(0);
		if (!db_hook) /* nobody's breakpoint would strike again for ever: RET drops RF */
			write_dr7(0);
		user_page(cpu->cpu)->causes[CAUSE_EXCEPTION]++;
		if (db_hook)
			db_hook(regs);
		regs->rflags &= ~RFLAGS_TF; /* the kernel does not step itself */
		break;
	case VECTOR_MC:
		if (!mc_hook)
			handle_kernel_exception(regs);
		user_page(cpu->cpu)->causes[CAUSE_EXCEPTION]++;
		oracle_check_local(CHECK_NMI);
		canary_check_nmi_local();
		mc_hook(regs);
		oracle_check_local(CHECK_NMI);
		break;
	default:
		handle_kernel_exception(regs);
	}
	write_cr2(fault_address);
}
