/* SPDX-License-Identifier: MIT */
/*
 * The sweep: one CPU, the target, is stopped before every instruction of its way into the kernel
 * and out of it (arch/x86_64/step.h). At each of them another CPU purges, or an NMI strikes, or
 * both, in each of the orders that the table of scenarios has. What the oracles find is noted with
 * the scenario and the position, which is enough to see it again.
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

struct scenario;

/* Where the target is stopped, and the instruction that is there. */
struct place {
	u64 position;
	u64 rip;
};

struct finding {
	u64 steps; /* that showed it */
	/* the first one, and its number of all steps */
	u64 first;
	const struct scenario *scenario;
	struct place place;
};

/* The oracles' counts of the target. */
struct sweep_counts {
	u64 n[SWEEP_CONTEXTS][SWEEP_EFFECTS];
};

/* The target's way through a system call: with nothing owed, or after a purge in ring 3. */
struct path {
	u64 length[STEP_ZONES];
	u64 trace[STEP_ZONES][STEP_TRACE_MAX];
};

enum { PATH_CLEAN, PATH_OWED, PATHS };

/* The sweep of one policy. */
struct sweep {
	const struct flush_policy *policy;
	struct policy_mode mode;
	unsigned int target, purger;
	struct stepper stepper;
	struct path paths[PATHS];
	struct step_counts null_call;
	bool null_steady;
	u64 steps, nmis;
	u64 warm;	 /* steps that began with a canary proved to be in the TLB */
	u64 missed;	 /* steps that did not reach their position, or another instruction there */
	u64 purges_left; /* purges that the canary's frames did not allow */
	u64 spurious_in_nmi;
	struct finding found[SWEEP_CONTEXTS][SWEEP_EFFECTS];
};

struct scenario {
	const char *name;
	const char *text;
	bool owed;     /* a purge comes first, while the target is in ring 3 */
	bool in_ring3; /* once, without a stop */
	bool (*run)(struct sweep *s, const struct place *at); /* false: AT was not reached */
};

/* All scenarios, ended by a NULL name, and the names alone for the command line. */
extern const struct scenario scenarios[];
const char *const *scenario_names(void);

/* One step of a scenario; begins and ends in ring 3. Boot CPU, interrupts on. */
void sweep_step(struct sweep *s, const struct scenario *scenario, const struct place *at);

/* Finds the two paths; false: too long, or none. */
bool sweep_find_paths(struct sweep *s);

/* The oracles' counts now; what has grown since BEFORE is put down to one step. */
struct sweep_counts sweep_counts(const struct sweep *s);
void sweep_note(struct sweep *s, const struct sweep_counts *before, const struct scenario *scenario,
		const struct place *at);

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
