/* SPDX-License-Identifier: MIT */
/*
 * What CPUID tells of a machine beside the features that the kernel switches on (features.h): who
 * made it, features that a report names, and which logical CPUs are threads of one core. Decoding
 * alone: the leaves come from a function, so that a test can make them up.
 */
#pragma once

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/types.h"

/* Reads a leaf: cpuid(), or a test's table. */
typedef struct cpuid_regs (*cpuid_fn)(u32 leaf, u32 subleaf);

/* The same on all CPUs. Names are those of Linux's /proc/cpuinfo, but for the last (SDM 17.17.1).
 */
struct cpu_id {
	char vendor[13];
	bool la57, pdpe1gb, rdpid, tsc_deadline_timer, invariant_tsc;
};

/* CPUID 1AH, EAX[31:24], of a hybrid machine; CORE_UNIFORM elsewhere, and for a type not known. */
enum core_type { CORE_UNIFORM, CORE_ATOM, CORE_CORE };

/* Where one CPU sits. Its core is named by the APIC id of the core's first thread. */
struct cpu_place {
	u32 apic_id;
	u32 core;
	enum core_type type;
};

/* Any context. */
void cpu_id_read(cpuid_fn read, struct cpu_id *id);

/*
 * On the CPU with APIC_ID, which the leaves have to be of. From leaf 1FH or 0BH (SDM Vol 3, 8.9.1),
 * AMD's 8000001EH, or Intel's 1 and 4; without any of them each CPU is a core. Any context.
 */
void cpu_place_read(cpuid_fn read, u32 apic_id, struct cpu_place *place);

/*
 * The microcode revision (SDM Vol 3, 9.11.7; AMD: PATCH_LEVEL), 0 if there is none to be read.
 * VENDOR is CPUID's. Boot CPU, with its IDT loaded: a machine without that MSR may fault.
 */
u32 microcode_revision(const char *vendor);
