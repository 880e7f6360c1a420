/* SPDX-License-Identifier: MIT */
/*
 * tripwire=: the first flush IPI to an isolated CPU stops the machine, before it is sent, and both
 * CPUs say where they are and why.
 */
#pragma once

#include "kernel/trace_opt.h"

/* Once, before any IPI that might trip it; TRIPWIRE_OFF does nothing. Boot CPU. */
void tripwire_init(enum tripwire_mode mode);

/*
 * From here on flush IPIs trip, until told otherwise: while the report counts them. Isolated CPUs
 * whose tasks are being started or ended are in the kernel, by right, and are interrupted.
 */
void tripwire_arm(bool armed);
