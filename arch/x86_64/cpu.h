/* SPDX-License-Identifier: MIT */
/*
 * The instructions that C has no word for, one inline function each, and the bits of the registers
 * they reach. Names are the SDM's (Vol 2 for the instructions, Vol 3 2.5 for CR0 and CR4, Vol 4
 * for the MSRs). Nothing here decides anything.
 */
#pragma once

#include "arch/x86_64/types.h"

#define CR0_PE BIT(0)
#define CR0_MP BIT(1)
#define CR0_EM BIT(2)
#define CR0_TS BIT(3)
#define CR0_NE BIT(5)
#define CR0_WP BIT(16)
#define CR0_PG BIT(31)

#define CR4_PAE	     BIT(5)
#define CR4_MCE	     BIT(6)
#define CR4_PGE	     BIT(7)
#define CR4_UMIP     BIT(11)
#define CR4_LA57     BIT(12)
#define CR4_FSGSBASE BIT(16)
#define CR4_PCIDE    BIT(17)
#define CR4_SMEP     BIT(20)
#define CR4_SMAP     BIT(21)

#define MSR_APIC_BASE	   0x1b
#define MSR_PAT		   0x277
#define MSR_X2APIC_BASE	   0x800
#define MSR_EFER	   0xc0000080
#define MSR_STAR	   0xc0000081
#define MSR_LSTAR	   0xc0000082
#define MSR_CSTAR	   0xc0000083
#define MSR_FMASK	   0xc0000084
#define MSR_FS_BASE	   0xc0000100
#define MSR_GS_BASE	   0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define EFER_SCE BIT(0)
#define EFER_LME BIT(8)
#define EFER_NXE BIT(11)

#define RFLAGS_FIXED BIT(1)
#define RFLAGS_TF    BIT(8)
#define RFLAGS_IF    BIT(9)
#define RFLAGS_DF    BIT(10)
#define RFLAGS_IOPL  (3UL << 12)
#define RFLAGS_NT    BIT(14)
#define RFLAGS_RF    BIT(16)
#define RFLAGS_AC    BIT(18)

struct cpuid_regs {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid_regs cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

static __always_inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr) : "memory");
	return (u64)hi << 32 | lo;
}

static __always_inline void wrmsr(u32 msr, u64 value)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

/* Ordered enough for counting and calibration: LFENCE waits for all earlier instructions. */
static inline u64 rdtsc_ordered(void)
{
	u32 lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return (u64)hi << 32 | lo;
}

#define DEFINE_CR(name)                                                                            \
	static __always_inline u64 read_##name(void)                                               \
	{                                                                                          \
		u64 value;                                                                         \
		__asm__ volatile("mov %%" #name ", %0" : "=r"(value)::"memory");                   \
		return value;                                                                      \
	}                                                                                          \
	static __always_inline void write_##name(u64 value)                                        \
	{                                                                                          \
		__asm__ volatile("mov %0, %%" #name ::"r"(value) : "memory");                      \
	}
DEFINE_CR(cr0)
DEFINE_CR(cr2)
DEFINE_CR(cr3)
DEFINE_CR(cr4)
DEFINE_CR(dr0)
DEFINE_CR(dr6)
DEFINE_CR(dr7)
#undef DEFINE_CR

static __always_inline u64 read_rflags(void)
{
	u64 flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags)::"memory");
	return flags;
}

static __always_inline void write_rflags(u64 flags)
{
	__asm__ volatile("pushq %0; popfq" ::"r"(flags) : "memory", "cc");
}

static __always_inline void local_irq_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}

static __always_inline void local_irq_disable(void)
{
	__asm__ volatile("cli" ::: "memory");
}

static inline bool irqs_disabled(void)
{
	return !(read_rflags() & RFLAGS_IF);
}

/* Disables interrupts and returns the flags for local_irq_restore(). Any context. */
static inline u64 local_irq_save(void)
{
	u64 flags = read_rflags();

	local_irq_disable();
	return flags;
}

static inline void local_irq_restore(u64 flags)
{
	if (flags & RFLAGS_IF)
		local_irq_enable();
}

/*
 * Enables interrupts and halts. STI holds interrupts off for one more instruction (SDM Vol 2,
 * STI), so one that arrives before HLT still ends it.
 */
static inline void safe_halt(void)
{
	__asm__ volatile("sti; hlt" ::: "memory");
}

static inline _Noreturn void cpu_halt_forever(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" ::: "memory");
}

/* A full barrier for ordinary memory: a LOCKed operation, as in Linux's smp_mb(). */
static __always_inline void smp_mb(void)
{
	__asm__ volatile("lock addl $0, -4(%%rsp)" ::: "memory", "cc");
}
