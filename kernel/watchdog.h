/* SPDX-License-Identifier: MIT */
/*
 * CPUs watch each other. A CPU that waits has a limit on every wait. A CPU that idles is woken by
 * its timer now and then and asks its neighbour, by an interrupt, whether it still takes any; one
 * that does not for watchdog= seconds ends the machine in a panic, which shows by NMI where it was.
 *
 * Only housekeeping CPUs ask and are asked: CPU n asks the next one, the last asks the boot CPU. An
 * isolated CPU must not be interrupted, and whatever waits for it names it. Whoever works does not
 * ask; so CPU 0 is watched as long as one other housekeeping CPU idles.
 */
#pragma once

#include "arch/x86_64/types.h"

/*
 * Begins it; SECONDS 0: never. Also the limit of cross-calls (60 s with 0). Boot CPU, once, when
 * it is known which CPUs are isolated.
 */
void watchdog_start(u32 seconds);

/* Around the halt of a CPU that idles, interrupts off: arms its timer, and asks; takes it back. */
void watchdog_idle(void);
void watchdog_end_idle(void);
