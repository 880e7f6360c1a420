/* SPDX-License-Identifier: MIT */
/*
 * The sweep: one CPU, the target, is stopped before every instruction of its way into the kernel
 * and out of it, by every door (arch/x86_64/step.h). At each of them another CPU, the initiator,
 * purges, or an NMI or #MC strikes, or both, in each of the orders that the table of scenarios has.
 * Or the initiator is stopped before an instruction of its purge, while the target comes and goes,
 * or an NMI strikes there, too; or both are stopped. What the oracles find is noted with the
 * scenario and the point, which is enough to see it again.
 *
 * The boot CPU controls. It waits for what has happened, never for a time: a purge is let go on
 * when it is over, or when it has asked the stopped target for a flush and thus cannot end.
 *
 * Every step begins from the same state: the target's TLB is flushed by hand, the canary warmed
 * anew. So no step sees what an earlier one left behind, and a step can be repeated alone.
 */
#pragma once

#include "arch/x86_64/step.h"
#include "kernel/stepper.h"
#include "mm/policy/policy.h"

/* Where a finding is met. An interrupt comes in by ring 3's common door: it counts as process. */
enum sweep_context { SWEEP_PROCESS, SWEEP_NMI, SWEEP_CONTEXTS };
enum sweep_effect { SWEEP_STALE, SWEEP_LOST, SWEEP_SPURIOUS, SWEEP_EFFECTS };

/* Where a CPU is stopped, and the instruction that is there. */
struct place {
	u64 position; /* STEP_NOWHERE: it is not stopped */
	u64 rip;
};

/* A step: where the target is stopped, and the second place that some kinds of scenario have. */
struct sweep_point {
	struct place at;
	struct place then;
};

/* What strikes in a scenario. */
enum sweep_strike { STRIKE_NONE, STRIKE_NMI, STRIKE_MC };

/* What a scenario's two places are. */
enum scenario_kind {
	KIND_RING3, /* none: once, without a stop */
	KIND_AT,    /* the target in its door */
	KIND_HOLD,  /* then: the initiator in its purge */
	KIND_BOTH,  /* the target at a shared access of its door, the initiator at one of its own */
	KIND_HELD,  /* the same, along the way that the target takes when the purge is held */
	KIND_NESTED, /* the target in its door, then in the door of the NMI that struck there */
};

struct sweep;

struct scenario {
	const char *name;
	const char *text;
	enum scenario_kind kind;
	bool owed;		  /* a purge comes first, while the target is in ring 3 */
	enum sweep_strike strike; /* so the door may not be one that blocks it */
	u32 purge; /* KIND_HOLD, KIND_BOTH, KIND_HELD: which path the purge takes, PATH_PURGE.. */
	bool (*run)(struct sweep *s, const struct sweep_point *p); /* false: P was not reached */
};

struct sweep_door;

struct finding {
	u64 steps; /* that showed it */
	/* the first one, and its number of all steps */
	u64 first;
	const struct sweep_door *door;
	const struct scenario *scenario;
	struct sweep_point point;
};

/* The oracles' counts of the target, and of what the initiator has lost. */
struct sweep_counts {
	u64 n[SWEEP_CONTEXTS][SWEEP_EFFECTS];
};

/* What was executed on the way, in three zones; of a purge all is in the first. */
struct path {
	u64 length[STEP_ZONES];
	u64 trace[STEP_ZONES][STEP_TRACE_MAX];
};

/*
 * The target's way with nothing owed, and after a purge in ring 3; a purge with the target in ring
 * 3, when it owes a flush already, in the kernel, and at the present place; the NMI's door; the
 * target's way while a purge is held.
 */
enum {
	PATH_CLEAN,
	PATH_OWED,
	PATH_PURGE,
	PATH_PURGE_OWED,
	PATH_PURGE_KERNEL,
	PATH_PURGE_AT,
	PATH_NMI,
	PATH_WAY_HELD,
	PATHS
};

/* What was done in a step, in order: WHO did WHAT, up to a position (STEP_NOWHERE: none). */
struct step_event {
	const char *who, *what;
	u64 position;
};

#define STEP_EVENTS_MAX 16

/* The sweep of one policy. */
struct sweep {
	const struct flush_policy *policy;
	struct policy_mode mode;
	unsigned int target, initiator;
	struct stepper stepper;
	const struct sweep_door *door; /* in force */
	enum sweep_strike strike;      /* of the scenario under way */
	struct path paths[PATHS];
	u64 entry_length, exit_length; /* of SYSCALL's door, with a flush owed */
	struct step_counts null_call;
	bool null_steady;
	const char *no_path; /* NULL, or whose path was too long, or none: the first such */
	const struct sweep_door *no_path_door;
	struct step_event events[STEP_EVENTS_MAX]; /* of the last step */
	u32 nr_events;
	u64 steps, strikes;
	u64 warm;	 /* steps that began with a canary proved to be in the TLB */
	u64 missed;	 /* steps that did not reach their point, or another instruction there */
	u64 purges_left; /* purges that the canary's frames did not allow */
	u64 spurious_in_nmi;
	struct finding found[SWEEP_CONTEXTS][SWEEP_EFFECTS];
};

/*
 * How much. SMALL: every instruction of SYSCALL's door, the accesses of the other doors and of a
 * purge. PAIRS: every instruction of every door and of the policy's part in a purge, pairs of
 * accesses. WHOLE: every instruction of the purge, and of an NMI's door at every instruction that
 * it can strike.
 */
enum sweep_depth { DEPTH_SMALL, DEPTH_PAIRS, DEPTH_WHOLE };

/* What was asked for, as far as a verdict and a replay depend on it. */
struct sweep_request {
	const struct scenario *scenario; /* NULL: all */
	const struct sweep_door *door;	 /* NULL: all */
	u64 at, then;			 /* STEP_NOWHERE: all */
	enum sweep_depth depth;
	bool exact;	    /* every claim has to be shown */
	bool trace;	    /* the last step's events and paths are wanted */
	const char *broken; /* "break=drain", "" */
};

/* All scenarios, ended by a NULL name, and the names alone for the command line. */
extern const struct scenario scenarios[];
const char *const *scenario_names(void);

/* Which path the target takes in it. */
u32 scenario_way(const struct scenario *scenario);

/* Every step that REQUEST asks for, by every door. Boot CPU, interrupts on. */
void sweep_walk(struct sweep *s, const struct sweep_request *request);

/* One step of a scenario; begins and ends in ring 3. Boot CPU, interrupts on. */
void sweep_step(struct sweep *s, const struct scenario *scenario, const struct sweep_point *p);

/* Notes an event of the step under way. */
void sweep_event(struct sweep *s, const char *who, const char *what, u64 position);

/* Brings the target into the state that every step begins with: true if its canary is warm. */
bool sweep_settle(struct sweep *s);

/* The oracles' counts now; what has grown since BEFORE is put down to one step. */
struct sweep_counts sweep_counts(const struct sweep *s);
void sweep_note(struct sweep *s, const struct sweep_counts *before, const struct scenario *scenario,
		const struct sweep_point *p);

/* The claim that covers a finding, or NULL. */
const struct policy_claim *sweep_claim(const struct flush_policy *policy,
				       enum sweep_context context, enum sweep_effect effect);

/* The finding that a claim is about. */
const struct finding *sweep_claimed(const struct sweep *s, const struct policy_claim *claim);

/* "nmi", "stale". */
const char *sweep_context_word(enum sweep_context context);
const char *sweep_effect_word(enum sweep_effect effect);

/* "entry+3" and back; the words of the zones. */
int sweep_position_text(char *buf, size_t size, u64 position);
bool sweep_position_parse(const char *text, u64 *position);
