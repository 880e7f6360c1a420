/* SPDX-License-Identifier: MIT */
/*
 * CPUID to control registers, see features.h. A feature that CPUID does not name is never set:
 * the kernel runs without NX, PGE, SMEP, SMAP, UMIP, FSGSBASE, and says so in its report.
 */
#include "arch/x86_64/features.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/relax.h"
#include "arch/x86_64/string.h"

struct cpu_features cpu_features __section(".entry.data");

extern u64 clac_sites_start[], clac_sites_end[];

/* PAT: the power-on default, but entry 1 (PWT alone) is write-combining: for the framebuffer. */
#define PAT_WITH_WC 0x0007040600070106UL

static void read_brand(void)
{
	u32 *words = (u32 *)cpu_features.brand;
	char *from = cpu_features.brand;

	if (cpuid(0x80000000, 0).eax < 0x80000004)
		return;
	for (u32 i = 0; i < 3; i++) {
		struct cpuid_regs r = cpuid(0x80000002 + i, 0);

		words[4 * i] = r.eax;
		words[4 * i + 1] = r.ebx;
		words[4 * i + 2] = r.ecx;
		words[4 * i + 3] = r.edx;
	}
	while (*from == ' ')
		from++;
	memmove(cpu_features.brand, from, strlen(from) + 1);
}

void features_detect(bool no_pcid, bool no_x2apic)
{
	u32 highest = cpuid(0, 0).eax;
	struct cpuid_regs one = cpuid(1, 0);
	struct cpuid_regs ext = cpuid(0x80000001, 0);

	cpu_features.pge = one.edx & BIT(13);
	cpu_features.pat = one.edx & BIT(16);
	/* Without PGE only INVPCID would reach all PCIDs: then, as in Linux, there are none. */
	cpu_features.pcid = (one.ecx & BIT(17)) && cpu_features.pge && !no_pcid;
	cpu_features.x2apic = (one.ecx & BIT(21)) && !no_x2apic;
	cpu_features.in_hypervisor = one.ecx & BIT(31);
	cpu_features.nx = ext.edx & BIT(20);
	if (highest >= 7) {
		struct cpuid_regs seven = cpuid(7, 0);

		cpu_features.fsgsbase = seven.ebx & BIT(0);
		cpu_features.smep = seven.ebx & BIT(7);
		cpu_features.invpcid = (seven.ebx & BIT(10)) && !no_pcid;
		cpu_features.smap = seven.ebx & BIT(20);
		cpu_features.umip = seven.ecx & BIT(2);
	}
	if (cpuid(0x80000000, 0).eax >= 0x80000008)
		cpu_features.invlpgb = cpuid(0x80000008, 0).ebx & BIT(3);
	if (cpu_features.in_hypervisor) {
		struct cpuid_regs r = cpuid(0x40000000, 0);

		memcpy(cpu_features.hypervisor, &r.ebx, 4);
		memcpy(cpu_features.hypervisor + 4, &r.ecx, 4);
		memcpy(cpu_features.hypervisor + 8, &r.edx, 4);
		relax_without_pause = strcmp(cpu_features.hypervisor, "TCGTCGTCGTCG") == 0;
	}
	read_brand();
}

void features_patch_clac(void)
{
	static const u8 clac[3] = {0x0f, 0x01, 0xca};

	if (!cpu_features.smap)
		return;
	for (u64 *site = clac_sites_start; site < clac_sites_end; site++)
		memcpy((void *)*site, clac, sizeof(clac));
}

u64 features_efer(void)
{
	return (rdmsr(MSR_EFER) & ~EFER_NXE) | EFER_SCE | (cpu_features.nx ? EFER_NXE : 0);
}

void features_apply_local(void)
{
	u64 cr4 = CR4_PAE | CR4_MCE;

	cr4 |= cpu_features.pge ? CR4_PGE : 0;
	cr4 |= cpu_features.smep ? CR4_SMEP : 0;
	cr4 |= cpu_features.smap ? CR4_SMAP : 0;
	cr4 |= cpu_features.umip ? CR4_UMIP : 0;
	cr4 |= cpu_features.fsgsbase ? CR4_FSGSBASE : 0;
	cr4 |= cpu_features.pcid ? CR4_PCIDE : 0; /* CR3 has PCID 0 here (SDM Vol 3, 4.10.1) */
	wrmsr(MSR_EFER, features_efer());
	/* TS: no task has an x87 state. Nobody saves one, so the next task would inherit the
	 * registers of the last, and an exception pending in them (SDM Vol 3, 2.5, TS and MP). */
	write_cr0(CR0_PE | CR0_MP | CR0_TS | CR0_NE | CR0_WP | CR0_PG);
	write_cr4(cr4);
	if (cpu_features.pat)
		wrmsr(MSR_PAT, PAT_WITH_WC);
}
