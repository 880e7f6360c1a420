/* SPDX-License-Identifier: MIT */
/*
 * What the scenarios of the sweep are made of: a purge by the initiator, an NMI to the target, a
 * stop of either. Boot CPU, interrupts on; each waits for what it says and for no time.
 */
#pragma once

#include "kernel/sweep.h"

/* --- The initiator ------------------------------------------------------------------------------
 */

/* Starts a purge that moves the target's canary; returns when it is over or asks the target. */
void sweep_purge_begin(struct sweep *s);

/* Waits for its end. The target must not be stopped. */
void sweep_purge_end(struct sweep *s);

/* Starts one that stops at HOLD. False: it came elsewhere, and is over or asks the target. */
bool sweep_hold_begin(struct sweep *s, const struct place *hold);

/* Lets the stopped initiator go on; returns as sweep_purge_begin() does. */
void sweep_hold_release(struct sweep *s);

/* --- What strikes -------------------------------------------------------------------------------
 */

/*
 * An NMI or #MC (s->strike) strikes the target, #MC only where it is stopped. Returns while the
 * handler runs, which has read the canary.
 */
void sweep_strike_begin(struct sweep *s);

/*
 * Lets the handler read the canary again and end, and waits for that. Behind an NMI the target is
 * stopped as it was, behind #MC a little further on, or in ring 3.
 */
void sweep_strike_end(struct sweep *s);

/* Both. */
void sweep_strike(struct sweep *s);

/* An NMI strikes the stopped initiator. */
void sweep_strike_initiator(struct sweep *s);

/*
 * Sends one that is stepped, up to THEN in its door. The target is stopped already. False: it came
 * elsewhere, and the NMI is over.
 */
bool sweep_nmi_stop_at(struct sweep *s, const struct place *then);

/* Lets it go on, and waits for its end. */
void sweep_nmi_go_on(struct sweep *s);

/* --- The target --------------------------------------------------------------------------------
 */

/* Sends the target through its door up to AT. False: it came elsewhere, and is in ring 3 again. */
bool sweep_stop_at(struct sweep *s, const struct place *at);

/* Lets the target go, if it is stopped, and waits until it is in ring 3. */
void sweep_go_on(struct sweep *s);

/*
 * From a stop at FROM to one at the first instruction behind the danger zone, of this way or of the
 * next. False as above.
 */
bool sweep_go_on_into_kernel(struct sweep *s, u64 from);

/* From ring 3 to there. */
bool sweep_go_into_kernel(struct sweep *s);
