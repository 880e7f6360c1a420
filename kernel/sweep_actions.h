/* SPDX-License-Identifier: MIT */
/*
 * What the scenarios of the sweep are made of: a purge by the purger, an NMI to the target, a stop
 * of the target. Boot CPU, interrupts on; each waits for what it says and for no time.
 */
#pragma once

#include "kernel/sweep.h"

/* Starts a purge that moves the target's canary; returns when it is over or asks the target. */
void sweep_purge_begin(const struct sweep *s);

/* Waits for its end. The target must not be stopped. */
void sweep_purge_end(struct sweep *s);

/* Sends an NMI to the target and returns while its handler runs, which has read the canary. */
void sweep_nmi_begin(struct sweep *s);

/* Lets the handler read the canary again and end, and waits for that. */
void sweep_nmi_end(struct sweep *s);

/* Both. */
void sweep_nmi_strike(struct sweep *s);

/* Sends the target into a system call up to AT. False: it came elsewhere, and the call is over. */
bool sweep_stop_at(struct sweep *s, const struct place *at);

/* Lets the stopped target go, and waits until it is in ring 3. */
void sweep_go_on(struct sweep *s);

/*
 * From a stop at FROM to one at the first instruction behind the danger zone, of this call or of
 * the next. False as above.
 */
bool sweep_go_on_into_kernel(struct sweep *s, u64 from);
