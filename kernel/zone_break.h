/* SPDX-License-Identifier: MIT */
/*
 * break=pointer, early and nmi: doors that break R3, for zone=trap and zone=stale to notice.
 */
#pragma once

/* Puts the broken control's doors, if there is one, around the policies'. Before zone_trap_init():
 * the trap has to be around them. Boot CPU. */
void zone_break_init(void);
