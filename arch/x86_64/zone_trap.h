/* SPDX-License-Identifier: MIT */
/*
 * zone=trap: while a CPU is in ring 3 and in the danger zone, on the way in and out, the vmalloc
 * area is not there: its top-level entries are taken out of the CPU's root. Whatever touches it
 * faults, at that instruction, with one root and with two.
 */
#pragma once

#include "arch/x86_64/types.h"

#define ZONE_EVENTS 6

enum zone_event_kind {
	ZONE_NO_EVENT,
	ZONE_ENTERED, /* the danger zone ended on the way in */
	ZONE_EXITED,  /* it began on the way out */
	ZONE_NMI,     /* a door that may strike anywhere was passed, and found the area absent */
	ZONE_NMI_END  /* it was left, and the area is absent again */
};

struct zone_event {
	u32 kind;    /* enum zone_event_kind */
	u64 entries; /* the CPU's entry count then */
};

/* One CPU's part, written by that CPU only. */
struct zone_trap_cpu {
	bool absent;	   /* what the doors want, and have but for the instructions in between */
	u64 found;	   /* a bit for each paranoid door that is under way: what it found */
	const u64 *exempt; /* top-level table of what stays; NULL: nothing does */
	phys_addr_t exempt_root;
	u32 next; /* events ever noted */
	struct zone_event events[ZONE_EVENTS];
};

/*
 * Has the doors take the entries away and put them back. The vmalloc area's top-level entries must
 * be there for good. Boot CPU, before the first task and the first policy is selected.
 */
void zone_trap_init(void);

/*
 * stack=task: [start, start + len), the stack of the task that is about to run on this CPU, stays
 * in the danger zone; and no longer. Behind the danger zone, interrupts off.
 */
void zone_trap_exempt(u64 start, u64 len);
void zone_trap_end_exempt(u64 start, u64 len);

/* Whether a page fault at ADDR was a touch of what is absent now. This CPU, in the handler. */
bool zone_trap_struck(u64 addr);

/* For reports: whether this CPU was in the danger zone when an exception, or #DF, came. */
bool zone_trap_in_zone(bool double_fault);
