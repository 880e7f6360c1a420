/* SPDX-License-Identifier: MIT */
/*
 * NMIs as a load: the boot CPU sends them to isolated CPUs in between its share of the storm, so
 * that the hooks nmi_enter and nmi_exit run at every point of an entry while purges go on. What
 * each NMI looks at: handle_paranoid_entry().
 *
 * The count is exact. A CPU holds one NMI pending at most and drops a further one, so the next is
 * sent only when the last has been taken. Boot CPU only.
 */
#pragma once

#include "arch/x86_64/types.h"

/* Forgets all counts and begins the sequence of SEED. No NMI is under way. */
void nmi_load_begin(u64 seed);

/* To be called once an operation: each isolated CPU gets one NMI in about two calls. */
void nmi_load_step(void);

/* Waits until all that were sent are taken; one that never is shows in the counts. */
void nmi_load_end(void);

/* NMIs sent to CPU since nmi_load_begin(). */
u64 nmi_load_sent(unsigned int cpu);
