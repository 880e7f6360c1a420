/* SPDX-License-Identifier: MIT */
/*
 * A CPU's state before and after, see hostile_state.h.
 */
#include "kernel/hostile_state.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/tlb_gen.h"

/* Flags that ring 3 may leave behind: the arithmetic ones, and ID, which means nothing. Without
 * SMAP there is no CLAC, and AC means nothing in the kernel either. */
#define FREE_FLAGS 0x2008d5UL

#define SENTINEL       0x5e471e15e471e15eUL
#define SENTINEL_WORDS 8 /* at the low end of each stack, which nothing reaches */

extern const char kernel_text_start[], kernel_text_end[];
extern const char kernel_rodata_start[], kernel_rodata_end[];

static const u32 msrs[STATE_MSRS] = {MSR_EFER, MSR_STAR,    MSR_LSTAR,	   MSR_CSTAR, MSR_FMASK,
				     MSR_PAT,  MSR_GS_BASE, MSR_APIC_BASE, 0x174};
static const char *const msr_names[STATE_MSRS] = {"EFER",	 "STAR",      "LSTAR",
						  "CSTAR",	 "FMASK",     "PAT",
						  "the GS base", "APIC_BASE", "SYSENTER_CS"};

static u64 sum_of(u64 from, u64 len)
{
	const volatile u64 *words = (const volatile u64 *)from;
	u64 sum = len;

	for (u64 i = 0; i < len / sizeof(u64); i++)
		sum = (sum << 1 | sum >> 63) ^ words[i];
	return sum;
}

static u64 stack_bottom(u32 number)
{
	u64 area = cpu_area(this_cpu_number());

	return number ? area + CPU_AREA_IST_STACKS + (number - 1) * CPU_AREA_IST_STEP
		      : area + CPU_AREA_ENTRY_STACK;
}

static u64 quiet_sum(void)
{
	return sum_of(stack_bottom(IST_DF), CPU_AREA_STACK_SIZE) +
	       sum_of(stack_bottom(IST_MC), CPU_AREA_STACK_SIZE);
}

static void read_state(struct cpu_state *s)
{
	const struct percpu *cpu = this_cpu();

	memset(s, 0, sizeof(*s));
	s->cr0 = read_cr0();
	s->cr3 = read_cr3();
	s->cr4 = read_cr4();
	s->dr7 = read_dr7();
	s->rflags = read_rflags() & ~(FREE_FLAGS | (cpu_features.smap ? 0 : RFLAGS_AC));
	for (u32 i = 0; i < STATE_MSRS; i++)
		s->msr[i] = rdmsr(msrs[i]);
	__asm__ volatile("sgdt %0" : "=m"(s->gdt));
	__asm__ volatile("sidt %0" : "=m"(s->idt));
	__asm__ volatile("str %0" : "=m"(s->task_register));
	__asm__ volatile("sldt %0" : "=m"(s->ldt));
	s->tables_sum = sum_of(cpu_area(cpu->cpu) + CPU_AREA_TABLES, PAGE_SIZE);
	s->idt_sum = sum_of(s->idt.base, s->idt.limit + 1UL);
	s->quiet_sum = quiet_sum();
	s->entry_stack_top = cpu->entry_stack_top;
	s->user_frame = cpu->user_frame;
	s->kernel_stack_top = cpu->kernel_stack_top;
	s->apic_id = cpu->apic_id;
}

void cpu_state_take(struct cpu_state *state)
{
	for (u32 i = 0; i < STATE_STACKS; i++)
		for (u32 w = 0; w < SENTINEL_WORDS; w++)
			((u64 *)stack_bottom(i))[w] = SENTINEL;
	read_state(state);
}

static bool sentinels_hold(void)
{
	for (u32 i = 0; i < STATE_STACKS; i++)
		for (u32 w = 0; w < SENTINEL_WORDS; w++)
			if (((const volatile u64 *)stack_bottom(i))[w] != SENTINEL)
				return false;
	return true;
}

/* In the kernel the doors have counted one entry more than exits, at any moment between NMIs. */
static bool doors_counted(void)
{
	const volatile struct user_page *page = user_page(this_cpu_number());
	u64 entries, exits;

	do {
		entries = page->entries;
		exits = page->exits;
	} while (page->entries != entries);
	return entries == exits + 1;
}

const char *cpu_state_changed(const struct cpu_state *was)
{
	const struct percpu *cpu = this_cpu();
	struct cpu_state now;

	/* The block first: it was found by the GS base. */
	if (rdmsr(MSR_GS_BASE) != was->msr[6])
		return "the GS base";
	read_state(&now);
	if (cpu->self != cpu || cpu->current || apic_id_local() != was->apic_id)
		return "its per-CPU block";
	if (now.cr0 != was->cr0 || now.cr4 != was->cr4)
		return "CR0 or CR4";
	if (now.cr3 != was->cr3)
		return "CR3";
	if (now.dr7 != was->dr7)
		return "DR7";
	if (now.rflags != was->rflags)
		return "RFLAGS (IOPL, IF, AC, DF, NT, TF)";
	for (u32 i = 0; i < STATE_MSRS; i++)
		if (now.msr[i] != was->msr[i])
			return msr_names[i];
	if (memcmp(&now.gdt, &was->gdt, sizeof(now.gdt)) ||
	    memcmp(&now.idt, &was->idt, sizeof(now.idt)))
		return "GDTR or IDTR";
	if (now.task_register != was->task_register || now.ldt != was->ldt)
		return "TR or LDTR";
	if (now.tables_sum != was->tables_sum)
		return "the GDT or the TSS";
	if (now.idt_sum != was->idt_sum)
		return "the IDT";
	if (now.quiet_sum != was->quiet_sum)
		return "the #DF or #MC stack";
	if (now.entry_stack_top != was->entry_stack_top || now.user_frame != was->user_frame ||
	    now.kernel_stack_top != was->kernel_stack_top || now.apic_id != was->apic_id)
		return "the words of its doors";
	if (!sentinels_hold())
		return "the low end of a stack";
	return doors_counted() ? NULL : "the count of entries and exits";
}

u64 kernel_image_sum(void)
{
	return sum_of((u64)kernel_text_start, (u64)(kernel_text_end - kernel_text_start)) +
	       sum_of((u64)kernel_rodata_start, (u64)(kernel_rodata_end - kernel_rodata_start));
}
