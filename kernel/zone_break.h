/* SPDX-License-Identifier: MIT */
/*
 * break=pointer, early, nmi, traced and table: doors that break R3, for zone=trap, zone=stale and
 * ring 3's own root to notice.
 */
#pragma once

/* Puts the broken control's doors, if there is one, around the policies'. Before zone_trap_init():
 * the trap has to be around them. After stale_copies_init(): the table of break=table is in the
 * vmalloc area. Boot CPU. */
void zone_break_init(void);
