/* SPDX-License-Identifier: MIT */
/*
 * Which CPU this is and how many there are. CPU numbers are dense, 0..n-1, and 0 is the boot CPU;
 * APIC ids are another matter (sparse, 32 bits). Host tests define the two functions themselves.
 */
#pragma once

#define MAX_CPUS 256

/*
 * The number of the CPU that executes this, below nr_online_cpus(). Stable for the caller: no
 * context of this kernel ever moves to another CPU. Context: any, once per-CPU data is set up.
 */
unsigned int this_cpu_number(void);

/* CPUs that have come up and take part, 1..MAX_CPUS. */
unsigned int nr_online_cpus(void);
