/* SPDX-License-Identifier: MIT */
/*
 * What the oracles (oracles.c) need to know of what the CPUs do (actors.c).
 */
#pragma once

#include "tests/explorer/explorer.h"

/* Code that may touch anything runs on CPU; in *CONTEXT, which kind. */
bool in_kernel_zone(const struct cpu_state *cpu, enum context *context);

/* An initiator is asking the policy about CPU, or has told it of a purge in begin(). */
bool is_asked_about(const struct state *s, unsigned int cpu);

/* The oracles' looks: after every action, and when the policy has answered about a CPU. */
void oracles_check(const struct state *s);
void oracle_answered(const struct state *s, unsigned int initiator, bool ipi);
void oracle_stuck(const struct state *s, unsigned int cpu);
