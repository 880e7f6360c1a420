/* SPDX-License-Identifier: MIT */
/*
 * Bringing the other CPUs up, one after the other (SDM Vol 3 8.4.4), and stopping them.
 */
#pragma once

#include "arch/x86_64/types.h"

/*
 * What an AP must find to come up: it looks for its own APIC id here, so one that answers late
 * never takes another's stack. CALLED -> ALIVE by the AP (LOCKed), CALLED -> DEAD by the boot CPU
 * when its patience ends; an AP that finds anything but CALLED halts for good.
 */
enum ap_state { AP_UNUSED, AP_CALLED, AP_ALIVE, AP_DEAD };

struct ap_slot {
	u32 apic_id; /* with state one 64-bit word for the AP's CMPXCHG */
	u32 state;
	u64 stack_top;
} __aligned(16);

struct smp_config {
	u32 max_cpus;	    /* 1..MAX_CPUS */
	bool mute_first_ap; /* break=ap: the first AP finds itself given up before it answers */
};

struct smp_report {
	u32 found;    /* CPUs that firmware says can run, the boot CPU among them */
	u32 started;  /* the boot CPU and all that answered */
	u32 disabled; /* entries that firmware marks unusable */
	u32 failed;   /* called and never answered */
	u32 failed_apic_id[8];
};

/*
 * Starts every other usable CPU; each runs ap_main(cpu) on its own stack. CPU numbers are dense in
 * the order of the MADT. A CPU that does not answer within the limit is named and left out.
 * Boot CPU, once, interrupts off.
 */
struct madt;
void smp_start(const struct madt *madt, const struct smp_config *config, struct smp_report *out);

/* Where a started CPU goes once its tables, GS and APIC are set up. Defined in kernel/. */
_Noreturn void secondary_main(void);
