/* SPDX-License-Identifier: MIT */
/*
 * One operation: the registers go into its page, the instructions into its code page, each through
 * the direct map; the task runs; its end and its CPU's state are compared with what they must be.
 * The task's memory is kept from one operation to the next, but for its page, which is written
 * anew: what an operation does depends on its number and the seed alone.
 *
 * What never ends is ended by the CPU's own timer, whose interrupt ends the task if it comes in
 * ring 3 (end_at_timer). It is armed for operations that cannot end by themselves and for random
 * instructions; any other has to end, and the boot CPU waits for it with a limit.
 */
#include "kernel/hostile_run.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/roots.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/traps.h"
#include "kernel/format.h"
#include "kernel/hostile_verdict.h"
#include "kernel/program.h"
#include "mm/frames.h"

#define TIMER_COUNT 20000 /* of the local APIC, divided by 16: about a millisecond */
#define INT3	    0xcc
#define DR7_RW0	    0xb0001UL /* DR0, local: reads and writes of 8 bytes (SDM Vol 3, 17.2.4) */
#define EXIT_TIMER  ((u64)-2)

static struct hostile_run *running; /* what the hooks belong to */

/* VECTOR_TIMER, behind its EOI; from ring 3 on the task's stack. */
static void end_at_timer(struct pt_regs *regs)
{
	if (user_mode(regs) && running && this_cpu()->current == running->task)
		task_end(EXIT_TIMER);
}

/* #DB from ring 0: the breakpoint that MOV SS held back. From ring 3 it is no paranoid entry. */
static void note_ring0_db(struct pt_regs *regs)
{
	(void)regs;
	write_dr7(0);
	if (running)
		running->ring0_dbs++;
}

static const char *map_pages(struct hostile_run *run)
{
	run->page_frame = frame_alloc_zeroed();
	run->code_frame = frame_alloc_zeroed();
	if (!run->page_frame || !run->code_frame ||
	    task_map(run->task, HOSTILE_PAGE_VA, run->page_frame, PTE_WRITE | PTE_NX) ||
	    task_map(run->task, HOSTILE_CODE_VA, run->code_frame, 0) ||
	    task_map(run->task, HOSTILE_LAST_VA, run->code_frame, 0))
		return "no memory for its pages";
	run->page = phys_to_virt(run->page_frame);
	run->code = phys_to_virt(run->code_frame);
	memset(run->code, INT3, PAGE_SIZE);
	return NULL;
}

const char *hostile_run_create(struct hostile_run *run, bool vmap_stack)
{
	const struct task_config config = {vmap_stack, 0};
	const char *error = NULL;

	run->task = task_create(program_find("hostile"), run->world.cpu, &config, &error);
	if (!run->task)
		return error;
	run->task->silent = true;
	run->task->report = run->report;
	run->task->report_len = sizeof(run->report);
	run->world.task = run->task;
	run->world.ring3_root = run->task->mm.root | (two_roots ? CR3_RING3_ROOT : 0);
	return map_pages(run);
}

void hostile_run_destroy(struct hostile_run *run)
{
	if (run->task)
		task_destroy(run->task);
	if (run->page_frame)
		frame_free(run->page_frame);
	if (run->code_frame)
		frame_free(run->code_frame);
}

/* Behind the operation: JMP to the landing, wherever the operation is. */
static void write_code(struct hostile_run *run, const struct hostile_op *op)
{
	static const u8 jump[3] = {0xff, 0x24, 0x25}; /* jmp [disp32] */
	const u32 landing = HOSTILE_PAGE_VA + offsetof(struct hostile_page, landing);

	memset(run->code, INT3, run->code_used);
	run->code_used = op->length + sizeof(jump) + sizeof(landing);
	if (op->at_end) {
		memcpy(run->code + PAGE_SIZE - op->length, op->code, op->length);
		run->code_used = PAGE_SIZE;
		return;
	}
	memcpy(run->code, op->code, op->length);
	memcpy(run->code + op->length, jump, sizeof(jump));
	memcpy(run->code + op->length + sizeof(jump), &landing, sizeof(landing));
}

static void write_page(struct hostile_page *page, const struct hostile_op *op)
{
	memset(page, 0, PAGE_SIZE);
	memcpy(page->regs, op->regs, sizeof(page->regs));
	memcpy(page->scratch, op->scratch, sizeof(page->scratch));
	page->rsp = op->rsp;
	page->rflags = op->rflags;
	page->entry = hostile_entry(op);
	page->set_bases = op->set_bases;
	page->fs = op->fs;
	page->gs = op->gs;
}

static void set_breakpoint(bool on)
{
	if (on)
		__asm__ volatile("mov %0, %%dr0" ::"r"(HOSTILE_SCRATCH_VA));
	write_dr7(on ? DR7_RW0 : 0);
	write_dr6(0);
}

static void carry_out(struct hostile_run *run, const struct hostile_op *op)
{
	bool timer = op->expect.outcome == OUTCOME_TIMER || op->expect.outcome == OUTCOME_ANY;

	task_rearm(run->task);
	write_code(run, op);
	write_page(run->page, op);
	run->ring0_dbs_due += op->ring0_db;
	if (op->breakpoint)
		set_breakpoint(true);
	if (timer)
		apic_timer_local(TIMER_COUNT, VECTOR_TIMER);
	task_run(run->task);
	if (timer)
		apic_timer_local(0, VECTOR_TIMER);
	if (op->breakpoint)
		set_breakpoint(false);
}

static enum outcome outcome_of(const struct task *task)
{
	if (task->excepted)
		return OUTCOME_FAULT;
	if (task->exit_code == EXIT_TIMER)
		return OUTCOME_TIMER;
	return task->exit_code == HOSTILE_DONE ? OUTCOME_DONE : OUTCOME_EXIT;
}

/* Breaks something at this operation, on this CPU; what belongs to others is the caller's. */
static void plant(const struct hostile_run *run)
{
	u64 area = cpu_area(run->world.cpu);
	struct table_register gdt = run->state.gdt;

	switch (run->plant) {
	case PLANT_CR0:
		write_cr0(read_cr0() | BIT(18));
		break;
	case PLANT_FLAGS:
		write_rflags(read_rflags() | RFLAGS_AC);
		break;
	case PLANT_MSR:
		wrmsr(MSR_CSTAR, 0x1000);
		break;
	case PLANT_GDTR:
		gdt.limit += 8;
		__asm__ volatile("lgdt %0" ::"m"(gdt));
		break;
	case PLANT_WORDS:
		this_cpu()->kernel_stack_top -= 16;
		break;
	case PLANT_DOORS:
		user_page(run->world.cpu)->entries++;
		break;
	case PLANT_TSS:
		*(volatile u8 *)(area + CPU_AREA_TABLES + 8 * sizeof(u64) + 92) ^= 1;
		break;
	case PLANT_IDT:
		*(volatile u32 *)(run->state.idt.base + 16 * 200 + 12) ^= 1;
		break;
	case PLANT_DR7:
		write_dr7(BIT(8));
		break;
	case PLANT_STACK:
		*(volatile u64 *)(area + CPU_AREA_ENTRY_STACK) ^= 1;
		break;
	case PLANT_QUIET:
		*(volatile u64 *)(area + CPU_AREA_IST_STACKS + (IST_MC - 1) * CPU_AREA_IST_STEP +
				  PAGE_SIZE) ^= 1;
		break;
	default:
		break;
	}
}

static void fail(struct hostile_run *run, const struct hostile_op *op, const char *what)
{
	snprintf(run->reason, sizeof(run->reason), "operation %lu (%s): %s", op->index, op->name,
		 what);
	run->failed = true;
}

static void step(struct hostile_run *run, u64 index, bool last)
{
	struct hostile_op *op = &run->op;
	char what[HOSTILE_REASON_MAX];
	enum hostile_end end;
	const char *changed;

	if (index < hostile_directed())
		hostile_directed_op(&run->world, index, op);
	else
		hostile_fuzz_op(&run->world, index, op);
	hostile_engine(run->world.engine, op);
	if (last && run->plant == PLANT_REASON)
		op->expect.vector ^= 1;
	carry_out(run, op);
	if (last)
		plant(run);
	run->ended[outcome_of(run->task)]++;
	end = hostile_verdict(op, outcome_of(run->task), run->task, run->page, what, sizeof(what));
	run->deviations += end == END_DEVIATES;
	if (end == END_WRONG) {
		fail(run, op, what);
		return;
	}
	changed = cpu_state_changed(&run->state);
	if (changed) {
		snprintf(what, sizeof(what), "it has changed %s of CPU %u", changed,
			 run->world.cpu);
		fail(run, op, what);
	}
}

static void open_gate(void)
{
	struct table_register idt;

	__asm__ volatile("sidt %0" : "=m"(idt));
	*(volatile u8 *)(idt.base + 16 * 0x80 + 5) |= 0x60; /* DPL 3 */
}

/* A run to nowhere first: ring 3's root is finished when the task has run once (roots_split()). */
void hostile_run_work(void *arg)
{
	struct hostile_run *run = arg;

	running = run;
	test_irq_hook = end_at_timer;
	db_hook = note_ring0_db;
	hostile_op_init(&run->op, 0);
	carry_out(run, &run->op);
	if (run->plant == PLANT_GATE)
		open_gate();
	cpu_state_take(&run->state);
	for (u64 i = 0; i < run->ops && !run->failed; i++) {
		WRITE_ONCE(run->current, run->first + i);
		step(run, run->first + i, i + 1 == run->ops);
	}
	running = NULL;
	test_irq_hook = NULL;
	db_hook = NULL;
}
