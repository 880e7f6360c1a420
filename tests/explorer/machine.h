/* SPDX-License-Identifier: MIT */
/*
 * What model.c (memory, TLB, operations) and actors.c (what CPUs do) have for each other.
 */
#pragma once

#include "tests/explorer/model.h"
#include "tests/explorer/op.h"

void machine_select(bool two_roots);
bool machine_two_roots(void);

/* Whether OP has to wait until its CPU's store buffer is empty. */
bool op_waits_for_buffer(const struct op *op);

/* Carries OP out on CPU; returns what it read. */
u64 op_apply(struct state *s, unsigned int cpu, const struct op *op);

/* The store buffer. */
void buffer_pte_clear(struct state *s, unsigned int cpu, u8 purge);
void buffer_commit(struct state *s, unsigned int cpu);
bool buffer_full(const struct cpu_state *c);

/* Whoever may fill what is present does: after every action. */
void tlb_fill_all(struct state *s);

/* Everything of CPU; and what a flush callback for PURGE executes. */
void tlb_flush_all(struct state *s, unsigned int cpu);
void tlb_flush_for(struct state *s, unsigned int cpu, u8 purge);

/* A hook on CPU says that it drains: R9 (oracles.c). */
void drain_begins(struct state *s, unsigned int cpu);

/* Inside NMI, #MC or #DB. */
bool in_paranoid_door(const struct cpu_state *cpu);

/* For who listens (model_note, model.h); else its words are not even evaluated. */
void note_words(const struct state *s, unsigned int cpu, const char *format, ...) __printf(3, 4);
#define note(...)                                                                                  \
	do {                                                                                       \
		if (model_note)                                                                    \
			note_words(__VA_ARGS__);                                                   \
	} while (0)
