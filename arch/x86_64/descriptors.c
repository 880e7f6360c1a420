/* SPDX-License-Identifier: MIT */
/*
 * GDT, TSS and IDT, see descriptors.h. Each CPU's GDT and TSS share a page of its entry area. All
 * gates are interrupt gates: a handler starts with interrupts off.
 */
#include "arch/x86_64/descriptors.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/string.h"

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3;
	u16 io_map_base;
} __packed;

struct tables {
	u64 gdt[8];
	struct tss tss;
};

struct gate {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_mid;
	u32 offset_high, reserved;
};

struct table_register {
	u16 limit;
	u64 base;
} __packed;

#define GATE_INTERRUPT	    0x8e
#define GATE_INTERRUPT_USER 0xee /* ring 3 may INT3 */

static struct gate idt[256] __aligned(PAGE_SIZE) __section(".entry.data");

extern const u64 interrupt_stubs[256];
extern const char entry_SYSCALL_64[];

static u8 vector_ist(unsigned int vector)
{
	switch (vector) {
	case VECTOR_NMI:
		return IST_NMI;
	case VECTOR_DF:
		return IST_DF;
	case VECTOR_MC:
		return IST_MC;
	case VECTOR_DB:
		return IST_DB;
	default:
		return 0;
	}
}

static struct gate make_gate(u64 stub, u8 ist, u8 type)
{
	return (struct gate){
		.offset_low = (u16)stub,
		.offset_mid = (u16)(stub >> 16),
		.offset_high = (u32)(stub >> 32),
		.selector = KERNEL_CS,
		.ist = ist,
		.type = type,
	};
}

u64 interrupt_stub(unsigned int vector)
{
	return interrupt_stubs[vector];
}

void idt_set_stub(unsigned int vector, const char *other)
{
	idt[vector] = make_gate(other ? (u64)other : interrupt_stub(vector), vector_ist(vector),
				vector == VECTOR_BP ? GATE_INTERRUPT_USER : GATE_INTERRUPT);
}

void idt_open_to_ring3(unsigned int vector, u64 stub, unsigned int ist)
{
	idt[vector] = make_gate(stub, ist, GATE_INTERRUPT_USER);
}

void idt_init(void)
{
	for (unsigned int vector = 0; vector < 256; vector++)
		idt_set_stub(vector, NULL);
}

static void build_tables(struct tables *t, u64 area)
{
	u64 tss = (u64)&t->tss;

	*t = (struct tables){
		.gdt = {0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0, 0x00cff3000000ffff,
			0x00affb000000ffff},
		.tss = {.io_map_base = sizeof(struct tss)},
	};
	t->gdt[6] = (sizeof(struct tss) - 1) | (tss & 0xffffff) << 16 | 0x89UL << 40 |
		    (tss >> 24 & 0xff) << 56;
	t->gdt[7] = tss >> 32;
	t->tss.rsp[0] = area + CPU_AREA_ENTRY_STACK + CPU_AREA_STACK_SIZE;
	for (unsigned int i = 0; i < NR_IST_STACKS; i++)
		t->tss.ist[i] = area + CPU_AREA_IST_STACKS + i * CPU_AREA_IST_STEP +
				CPU_AREA_STACK_SIZE;
}

void descriptors_load(unsigned int cpu)
{
	u64 area = cpu_area(cpu);
	struct tables *t = (struct tables *)(area + CPU_AREA_TABLES);
	struct table_register gdtr = {sizeof(t->gdt) - 1, (u64)t->gdt};
	struct table_register idtr = {sizeof(idt) - 1, (u64)idt};

	build_tables(t, area);
	__asm__ volatile("lgdt %0\n\t"
			 "pushq %1\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\n\t"
			 "mov %2, %%ds\n\t"
			 "mov %2, %%es\n\t"
			 "mov %2, %%ss\n\t"
			 "mov %3, %%fs\n\t"
			 "mov %3, %%gs\n\t"
			 "lldt %w3\n\t" /* out of reset there is one, at address 0: ring 3's */
			 "ltr %w5\n\t"	/* before the IDT: its IST stacks are the TSS's */
			 "lidt %4\n\t"
			 :
			 : "m"(gdtr), "i"(KERNEL_CS), "r"(KERNEL_DS), "r"(0), "m"(idtr),
			   "r"(TSS_SELECTOR)
			 : "rax", "memory");
	wrmsr(MSR_GS_BASE, area);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	wrmsr(MSR_FS_BASE, 0);
	wrmsr(MSR_STAR, (u64)SYSRET_BASE << 48 | (u64)KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (u64)entry_SYSCALL_64);
	wrmsr(MSR_FMASK, RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_AC | RFLAGS_NT | RFLAGS_IOPL);
}
