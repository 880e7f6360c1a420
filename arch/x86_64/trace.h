/* SPDX-License-Identifier: MIT */
/*
 * trace=: what happened, record by record, in one ring a CPU. Off, it costs a test and a branch at
 * each place that is not a door (trace_on()), and nothing at all at the doors: what records there
 * is put around them at boot only if it is asked for (trace_doors.c).
 *
 * A ring is written by its own CPU only, from any context behind the switch to the kernel's root,
 * NMI handlers and noinstr code among them. It lies in the direct map, whose flush is never
 * deferrable (R8); what the code reads lies in the per-CPU block and in .entry.data. It is not
 * mapped in ring 3's root: so with two roots nothing is recorded before a policy's enter hook has
 * switched, and a drain is recorded when the hook is over.
 */
#pragma once

#include "arch/x86_64/types.h"

/* What is recorded; other and args say what the comment lists. */
enum trace_event {
	TRACE_PURGE,	 /* begins; other: TRACE_PURGE_*; start, end, generation, call site */
	TRACE_PURGE_END, /* -; generation */
	TRACE_ASK,	 /* the policy's answer; other: target, enum trace_answer << 16; the
			    target's shared and own word before, generation, the policy's words
			    (struct policy_word) */
	TRACE_IPI,     /* a request; other: target; 1 if for a flush, 1 if an interrupt was sent */
	TRACE_IPI_IN,  /* a call interrupt begins; -; 1 if for a flush, flush requests, others */
	TRACE_IPI_OUT, /* and ends */
	TRACE_ENTRY,   /* from ring 3; other: vector; its RIP, entries counted by this CPU */
	TRACE_EXIT,    /* to ring 3; -; exits counted before it */
	TRACE_NMI,     /* NMI, #MC, #DB, #DF; other: vector; RIP, CS, entries */
	TRACE_NMI_END,
	TRACE_DRAIN, /* other: drains (1); full flushes and INVLPGs in the hook, newest purge that
			is covered now */
	TRACE_MARK,  /* text and what it is about, two constant strings; a number */
	TRACE_EVENTS
};

/* What can be asked for: groups of events. A mark is recorded with any of them. */
enum {
	TRACE_G_PURGE = 1 << 0, /* TRACE_PURGE, TRACE_PURGE_END */
	TRACE_G_ASK = 1 << 1,
	TRACE_G_IPI = 1 << 2, /* TRACE_IPI, _IN, _OUT */
	TRACE_G_ENTRY = 1 << 3,
	TRACE_G_DRAIN = 1 << 4,
	TRACE_G_ALL = (1 << 5) - 1,
	TRACE_G_TRIPWIRE = 1 << 5 /* records nothing: the last answers are kept for tripwire= */
};

enum {
	TRACE_PURGE_FULL = 1 << 0,	 /* everything, not page by page */
	TRACE_PURGE_DEFERRABLE = 1 << 1, /* the policy was asked */
	TRACE_PURGE_PGTABLE = 1 << 2,	 /* for page-table pages */
	TRACE_PURGE_LAGGARDS = 1 << 3	 /* flush_tlb_laggards(): no flush of its own */
};

/* In TRACE_ASK: what the policy said, and where the target was, seen from outside. */
enum trace_answer { TRACE_DEFERRED, TRACE_RACED_IPI, TRACE_RING3_IPI };

#define TRACE_ARGS 4

struct trace_record {
	u64 tsc;
	u64 number; /* 1 + its place since boot; 0 while it is written */
	u32 event;
	u32 other;
	u64 arg[TRACE_ARGS];
	u64 unused;
};

_Static_assert(sizeof(struct trace_record) == CACHE_LINE, "one line each");

/* One CPU's part, written by that CPU only. */
struct trace_cpu {
	struct trace_record *ring; /* NULL: none */
	u64 head;		   /* records ever taken */
	u64 drains;		   /* nr_drains that are recorded */
	u64 count[TRACE_EVENTS];   /* records ever written, also those that are overwritten */
};

/* TRACE_G_* that are recorded; 0: off. Written by trace_start(). Readable in the danger zone. */
extern u32 trace_groups;

static __always_inline bool trace_on(u32 groups)
{
	return unlikely(trace_groups & groups);
}

/*
 * Writes one record of this CPU. noinstr, kernel's root, any context: see trace.c for why an NMI
 * does no harm. Ask trace_on() first.
 */
void trace_write(enum trace_event event, u32 other, u64 a, u64 b, u64 c, u64 d);

/* A place in the run: TEXT about SUBJECT (constant strings), with a number of the caller's. */
void trace_mark(const char *text, const char *subject, u64 number);

/*
 * Makes rings of RECORDS (a power of two) for every online CPU and starts. False if memory is
 * short. Boot CPU, all others idle, before the first policy is selected.
 */
bool trace_start(u32 groups, u32 records);

/* Recording ends; what was recorded stays. Any context. */
void trace_stop(void);

/* RECORDS of trace_start(); 0 before it. */
u32 trace_ring_size(void);

/*
 * Copies record NUMBER (0 is the first since boot) of CPU. False if it is overwritten, or not
 * whole: its CPU was stopped in the middle of it.
 */
bool trace_read(unsigned int cpu, u64 number, struct trace_record *out);

/* The doors that record; trace_start() puts them up, outside of all others. */
void trace_doors_init(void);
