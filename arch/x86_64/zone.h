/* SPDX-License-Identifier: MIT */
/*
 * zone=: what watches the danger zone at run time. Off, nothing does and nothing costs. trap: the
 * vmalloc area is absent in ring 3 and in the danger zone (zone_trap.h). stale: every CPU runs on
 * the worst TLB that can exist (stale_copy.h). docs/danger-zone.md says what each can see.
 */
#pragma once

enum zone_mode { ZONE_OFF, ZONE_TRAP, ZONE_STALE };

/* Written once, at boot, before any task runs. */
extern enum zone_mode zone_mode;
