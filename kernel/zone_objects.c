/* SPDX-License-Identifier: MIT */
/*
 * Rows of objects, see zone_objects.h. CPUs are asked one after the other, so rows have one writer.
 */
#include "kernel/zone_objects.h"

#include "arch/x86_64/area_name.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/direct_map.h"
#include "arch/x86_64/irqflags.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/string.h"
#include "mm/deferrable.h"
#include "mm/vmalloc.h"

/* SDM Vol 3, 8.7: the 64-bit TSS. */
#define TSS_RSP0 4
#define TSS_IST1 36

enum kind {
	PERCPU_BLOCK,
	POLICY_WORDS,
	RING3_PAGE,
	GDT,
	TSS,
	IDT,
	ENTRY_CODE,
	ENTRY_STACK,
	IST_STACKS,
	IDLE_STACK,
	ROOT,
	TASK,
	TASK_STACK,
	KINDS
};

struct object {
	const char *name, *check;
	bool in_vmalloc; /* where it belongs */
	u64 seen;	 /* addresses looked at */
	u64 wrong;   /* of these, where a flush may be deferred and must not, or other way round */
	u64 example; /* one that is wrong, else the first */
};

static struct object objects[KINDS] = {
	[PERCPU_BLOCK] = {.name = "per-CPU block", .check = "make zone, R2"},
	[POLICY_WORDS] = {.name = "policy words", .check = "make zone, R2"},
	[RING3_PAGE] = {.name = "page for ring 3", .check = "make zone, R2"},
	[GDT] = {.name = "GDT", .check = "R8 asserted"},
	[TSS] = {.name = "TSS", .check = "R8 asserted"},
	[IDT] = {.name = "IDT", .check = "R2 asserted"},
	[ENTRY_CODE] = {.name = "doors of SYSCALL, IDT", .check = "make zone, R2"},
	[ENTRY_STACK] = {.name = "entry stack", .check = "make zone, R8"},
	[IST_STACKS] = {.name = "IST stacks", .check = "make zone, R8"},
	[IDLE_STACK] = {.name = "kernel stack, idle", .check = "R8 asserted"},
	[ROOT] = {.name = "root in CR3", .check = "R1, R8 asserted"},
	[TASK] = {.name = "task structures", .check = "make zone, R8"},
	[TASK_STACK] = {.name = "task stacks", .check = "zone=trap, table", .in_vmalloc = true},
};

static void add(enum kind kind, u64 va)
{
	struct object *o = &objects[kind];
	u64 page = ALIGN_DOWN(va, PAGE_SIZE);
	bool wrong = !undeferrable_rule(page, page + PAGE_SIZE) != o->in_vmalloc;

	if (!o->seen || (wrong && !o->wrong))
		o->example = va;
	o->seen++;
	o->wrong += wrong;
}

static u64 word_at(u64 va)
{
	u64 word;

	memcpy(&word, (const void *)va, sizeof(word));
	return word;
}

/* A 16-byte descriptor's base (SDM Vol 3, 8.2.3). */
static u64 descriptor_base(u64 va)
{
	u64 low = word_at(va);

	return (low >> 16 & 0xffffff) | (low >> 56) << 24 | word_at(va + 8) << 32;
}

static u64 gate_target(u64 va)
{
	u64 low = word_at(va);

	return (low & 0xffff) | (low >> 48) << 16 | word_at(va + 8) << 32;
}

/* On the CPU in question, interrupts off, no task running. */
static void collect_local(void *unused)
{
	struct {
		u16 limit;
		u64 base;
	} __packed gdt, idt;
	struct percpu *cpu = this_cpu();
	u64 tss;
	u16 selector;

	(void)unused;
	__asm__ volatile("sgdt %0" : "=m"(gdt));
	__asm__ volatile("sidt %0" : "=m"(idt));
	__asm__ volatile("str %0" : "=m"(selector));
	tss = descriptor_base(gdt.base + selector);
	add(PERCPU_BLOCK, rdmsr(MSR_GS_BASE));
	add(POLICY_WORDS, (u64)cpu->policy_shared);
	add(POLICY_WORDS, (u64)cpu->policy_own);
	add(RING3_PAGE, (u64)user_page(cpu->cpu));
	add(GDT, gdt.base);
	add(TSS, tss);
	add(IDT, idt.base);
	add(ENTRY_CODE, rdmsr(MSR_LSTAR));
	for (u64 gate = idt.base; gate < idt.base + idt.limit; gate += 16)
		add(ENTRY_CODE, gate_target(gate));
	add(ENTRY_STACK, word_at(tss + TSS_RSP0) - 1);
	for (u32 i = 0; i < NR_IST_STACKS; i++)
		add(IST_STACKS, word_at(tss + TSS_IST1 + i * sizeof(u64)) - 1);
	add(IDLE_STACK, (u64)__builtin_frame_address(0));
	add(ROOT, (u64)phys_to_virt(ALIGN_DOWN(read_cr3(), PAGE_SIZE)));
}

/* The same IDT at another address, which is where the CPU then says that it is. */
static void collect_with_planted_idt(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed own, other;
	void *copy = vmalloc(PAGE_SIZE);
	u64 irqs;

	if (!copy)
		panic("stacks: no memory for an IDT");
	irqs = arch_local_irq_save();
	__asm__ volatile("sidt %0" : "=m"(own));
	memcpy(copy, (const void *)own.base, own.limit + 1UL);
	other.limit = own.limit;
	other.base = (u64)copy;
	__asm__ volatile("lidt %0" ::"m"(other));
	collect_local(NULL);
	__asm__ volatile("lidt %0" ::"m"(own));
	arch_local_irq_restore(irqs);
	vfree(copy);
}

void zone_objects_collect(bool plant)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		if (plant && cpu == this_cpu_number())
			collect_with_planted_idt();
		else
			smp_call_function_single(cpu, CALL_OTHER, collect_local, NULL);
	}
}

void zone_objects_add_task(const struct task *task)
{
	add(TASK, (u64)task);
	add(TASK_STACK, task->kernel_stack_top - 1);
}

u32 zone_objects_print(report_write_fn write)
{
	u32 wrong = 0;

	report_line(write, "%-22s %6s %-16s %-22s %-10s %s", "Object", "Seen", "For example", "In",
		    "Deferrable", "What says so");
	for (u32 i = 0; i < KINDS; i++) {
		const struct object *o = &objects[i];
		u64 page = ALIGN_DOWN(o->example, PAGE_SIZE);
		const char *rule = undeferrable_rule(page, page + PAGE_SIZE);

		report_line(write, "%-22s %6lu %016lx %-22s %-10s %s", o->name, o->seen, o->example,
			    area_name(o->example), rule ? "no" : "yes",
			    o->wrong || !o->seen ? "FAIL" : o->check);
		wrong += o->wrong || !o->seen;
	}
	return wrong;
}
