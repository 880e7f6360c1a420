/* SPDX-License-Identifier: MIT */
/*
 * What CPUs do beside the operations of hooks (actors.c, initiator.c), for actions.c, and what the
 * oracles need to know of it. Each CPU has a stack of frames; the innermost one goes on. A frame
 * with a hook is in the middle of it.
 */
#pragma once

#include "tests/explorer/explorer.h"

static inline struct frame *top(struct state *s, unsigned int cpu)
{
	return &s->cpus[cpu].frames[s->cpus[cpu].nr_frames - 1];
}

static inline const struct frame *top_of(const struct cpu_state *c)
{
	return &c->frames[c->nr_frames - 1];
}

static inline struct frame *push(struct state *s, unsigned int cpu, enum frame_kind kind)
{
	struct cpu_state *c = &s->cpus[cpu];
	struct frame *f = &c->frames[c->nr_frames++];

	*f = (struct frame){.kind = (u8)kind};
	return f;
}

static inline void start_hook(struct frame *f, enum hook hook, u8 at)
{
	f->hook = (u8)hook;
	f->at = at;
	f->nr_history = 0;
}

/* The innermost frame's next operation or step. */
void actor_step(struct state *s, unsigned int cpu);

/*
 * Brings CPU to its next operation, or to a point between hooks. False: the hook it is in does not
 * end, and the oracles have been told.
 */
bool actor_settle(struct state *s, unsigned int cpu);

/* What begins or ends a visit, and what interrupts one. */
void actor_syscall(struct state *s, unsigned int cpu);
void actor_leave(struct state *s, unsigned int cpu);
void actor_take_irq(struct state *s, unsigned int cpu);
void actor_struck(struct state *s, unsigned int cpu, enum frame_kind kind);

/* An initiator's part; F is its one frame. */
void initiator_purge(struct state *s, unsigned int cpu, struct frame *f, enum purge_kind kind);
void initiator_step(struct state *s, unsigned int cpu, struct frame *f);
void initiator_hook_ended(struct state *s, unsigned int cpu, struct frame *f, enum hook hook,
			  u64 value);

/* The hook that asks about a CPU is about to begin, or to carry out its first operation. */
void initiator_looks(const struct state *s, struct frame *f);

/* CPU is about to leave ring 3, or what it does there. */
void target_moves(struct state *s, unsigned int cpu);

/* Code that may touch anything runs on CPU; in *CONTEXT, which kind. */
bool in_kernel_zone(const struct cpu_state *cpu, enum context *context);

/* An initiator is asking the policy about CPU, or has told it of a purge in begin(). */
bool is_asked_about(const struct state *s, unsigned int cpu);

/* The oracles' looks: after every action, and when the policy has answered about a CPU. */
void oracles_check(const struct state *s);
void oracle_answered(const struct state *s, unsigned int initiator, bool ipi);
void oracle_stuck(const struct state *s, unsigned int cpu);
