/* SPDX-License-Identifier: MIT */
/*
 * What this CPU has and what of it is switched on. Detected once on the boot CPU; every CPU then
 * applies the same set. Read-only after features_detect(), readable in the danger zone.
 */
#pragma once

#include "arch/x86_64/types.h"

struct cpu_features {
	bool pge, nx, smep, smap, umip, fsgsbase, pcid, invpcid, x2apic, pat;
	bool invlpgb;
	bool in_hypervisor;
	char brand[49];
	char hypervisor[13]; /* CPUID 0x40000000, "" without one */
};

extern struct cpu_features cpu_features;

/* Reads CPUID; NO_PCID and NO_X2APIC are the command line's wishes. Boot CPU, once. */
void features_detect(bool no_pcid, bool no_x2apic);

/* Turns NOP sites into CLAC where SMAP exists. Boot CPU, while the text is still writable. */
void features_patch_clac(void);

/* Sets CR0, CR4, EFER and PAT of the calling CPU. Interrupts off. */
void features_apply_local(void);

/* The EFER that a CPU needs before it can load the kernel's root (NXE). */
u64 features_efer(void);
