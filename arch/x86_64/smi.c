/* SPDX-License-Identifier: MIT */
/*
 * SMI counts, see smi.h. An emulator may answer such a read with 0, which would say too much.
 */
#include "arch/x86_64/smi.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/extable.h"
#include "arch/x86_64/features.h"

#define MSR_SMI_COUNT 0x34

static bool is_intel(void)
{
	struct cpuid_regs r = cpuid(0, 0);

	return r.ebx == 0x756e6547 && r.edx == 0x49656e69 && r.ecx == 0x6c65746e;
}

u64 smi_count_local(void)
{
	u32 count = 0, high = 0, fault = 1;

	if (cpu_features.in_hypervisor || !is_intel())
		return SMI_UNKNOWN;
	__asm__ volatile("1: rdmsr\n\t"
			 "xor %2, %2\n"
			 "2:\n" EXTABLE("1b", "2b")
			 : "+a"(count), "=d"(high), "+r"(fault)
			 : "c"(MSR_SMI_COUNT)
			 : "cc");
	return fault ? SMI_UNKNOWN : count;
}
