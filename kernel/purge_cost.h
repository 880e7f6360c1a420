/* SPDX-License-Identifier: MIT */
/*
 * What one purge costs its initiator while a number of isolated CPUs sits in ring 3, for the
 * experiments purge and scale. The purge is flush_tlb_kernel_range_deferrable() of pages whose
 * entries are clear, without the test bed's books (flush_books) unless asked for.
 *
 * Context of all: boot CPU, interrupts on.
 */
#pragma once

#include "kernel/exp.h"

/* As PAGES: everything. */
#define PURGE_EVERYTHING 0UL

struct purge_cost {
	u64 instructions; /* of the initiator, see arch/x86_64/insn_count.h */
	u64 ipis;	  /* sent, to whomever */
	u64 isolated_ipis;
	u64 waits;	    /* for a CPU's answer */
	u64 sleeper_events; /* interrupts and kernel entries of all sleepers together */
	u64 ns;		    /* the shortest of several, not single stepped */
	/* Of purge_lines() alone: */
	u64 remote_lines; /* other CPUs', that the initiator writes: policy's words, queues */
	u64 shared_lines; /* of words of the policy that belong to no CPU */
	bool lines_known; /* false: this CPU does not see its writes, see write_watch.h */
	bool steady;	  /* the counts came out the same each time */
};

/* How many isolated CPUs there are at most. */
u32 sleepers_most(void);

/* 1, 2, 4, ... and MOST itself: the numbers of sleepers to measure, into AT. Returns how many. */
#define SLEEPER_STEPS 10
u32 sleeper_steps(u32 first, u32 most, u32 *at);

/*
 * Goes on with the machine's first CPUs, NR isolated ones and every housekeeping CPU before the
 * last of them, puts ROW's policy in force, and brings the isolated ones to ring 3 (program stay).
 */
void sleepers_start(const struct policy_row *row, u32 nr, bool vmap_stack);

/* Ends that; all CPUs take part again once another policy is selected. */
void sleepers_stop(struct exp *e);

/* Measures a purge of PAGES, several times over. Between start and stop. */
struct purge_cost purge_cost(u64 pages, bool books);

/*
 * Adds the cache lines that such a purge writes: it is made again and again for each line that it
 * might. They are those of a purge like the last, that is, of CPUs that have slept through several.
 * Counted without the books. Right behind purge_cost(). In purge_lines.c.
 */
void purge_lines(u64 pages, struct purge_cost *cost);

/* The purge itself, for these two: of nothing that is mapped. ARG: its struct purge_range. */
struct purge_range {
	u64 start, end;
};
struct purge_range purge_range(u64 pages);
void purge_once(void *arg);

/* What both experiments' records say of a cost. */
void purge_cost_json(struct json *j, const struct purge_cost *cost);

/* Checks what no policy may do, whatever it costs: see exp_fail(). */
void purge_cost_judge(struct exp *e, const struct policy_row *row, u32 sleepers,
		      const struct purge_cost *cost);
