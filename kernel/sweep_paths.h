/* SPDX-License-Identifier: MIT */
/*
 * The paths that the sweep goes along: what is executed on the way, found by going it once without
 * a stop. Boot CPU, interrupts on; each begins with sweep_settle() and ends in ring 3.
 */
#pragma once

#include "kernel/sweep.h"

/* The target's two ways through the door in force; false: too long, or none. */
bool sweep_find_ways(struct sweep *s);

/* The purge's in ring 3, in ring 3 with a flush owed, and with the target in the kernel. */
bool sweep_find_purges(struct sweep *s);

/* The purge's with the target stopped at AT, after another purge in ring 3 if OWED. */
bool sweep_find_purge_at(struct sweep *s, bool owed, const struct place *at);

/* The target's, by the door in force, with a purge held at THEN. */
bool sweep_find_way_held(struct sweep *s, bool owed, const struct place *then);

/* The way of an NMI that strikes the target at AT. */
bool sweep_find_nmi_at(struct sweep *s, bool owed, const struct place *at);

/* How many instructions PATH has in ZONE, and the place of one of them. */
u64 path_length(const struct path *path, enum step_zone zone);
struct place path_place(const struct path *path, enum step_zone zone, u64 index);

/*
 * Does the instruction at RIP touch memory that others may see, or the TLB? Not the stack, which is
 * what lies by RSP. What it cannot tell counts as yes.
 */
bool touches_shared(u64 rip);

/* Is it one of a policy's own functions? */
bool is_policy_text(u64 rip);
