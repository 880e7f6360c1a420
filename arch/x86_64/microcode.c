/* SPDX-License-Identifier: MIT */
/*
 * The microcode revision, see cpu_id.h. Emulators may have no such MSR: #GP there means unknown.
 */
#include "arch/x86_64/cpu_id.h"
#include "arch/x86_64/extable.h"
#include "arch/x86_64/string.h"

#define MSR_IA32_BIOS_SIGN_ID 0x8b /* AMD: PATCH_LEVEL */

static u64 rdmsr_or_zero(u32 msr)
{
	u64 low = 0, high = 0;
	u64 ok = 0;

	__asm__ volatile("1: rdmsr\n\t"
			 "movl $1, %k2\n"
			 "2:\n\t" EXTABLE("1b", "2b")
			 : "=a"(low), "=d"(high), "+r"(ok)
			 : "c"(msr)
			 : "memory");
	return ok ? high << 32 | (u32)low : 0;
}

static void wrmsr_or_not(u32 msr, u64 value)
{
	u64 low = (u32)value;

	__asm__ volatile("1: wrmsr\n"
			 "2:\n\t" EXTABLE("1b", "2b")
			 : "+a"(low)
			 : "c"(msr), "d"((u32)(value >> 32))
			 : "memory");
}

/* Intel: CPUID loads the revision into the upper half, which has to be 0 before (SDM 9.11.7.1). */
u32 microcode_revision(const char *vendor)
{
	if (strcmp(vendor, "GenuineIntel") == 0) {
		wrmsr_or_not(MSR_IA32_BIOS_SIGN_ID, 0);
		cpuid(1, 0);
		return (u32)(rdmsr_or_zero(MSR_IA32_BIOS_SIGN_ID) >> 32);
	}
	if (strcmp(vendor, "AuthenticAMD") == 0 || strcmp(vendor, "HygonGenuine") == 0)
		return (u32)rdmsr_or_zero(MSR_IA32_BIOS_SIGN_ID);
	return 0;
}
