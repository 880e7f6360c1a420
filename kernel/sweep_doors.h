/* SPDX-License-Identifier: MIT */
/*
 * The doors that the sweep sends the target through, each from ring 3. What it does inside is the
 * same everywhere: its handler reads the canary, and the oracles look.
 */
#pragma once

#include "kernel/sweep.h"

struct sweep_door {
	const char *name;
	const char *text;
	unsigned int vector;   /* whose stub it begins with; VECTOR_SYSCALL: ring 3 sets TF */
	enum step_order order; /* what ring 3 does; STEP_NOTHING: it is struck by somebody */
	bool paranoid;	       /* the door of NMI and #MC */
	void (*strike)(unsigned int target); /* or NULL */
};

/* All doors, ended by a NULL name, and the names alone for the command line. SYSCALL's is first. */
extern const struct sweep_door sweep_doors[];
const char *const *sweep_door_names(void);

/* Does it block NMIs? */
bool sweep_door_is_nmi(const struct sweep_door *door);

/* Puts the handlers in their places, for what befalls TARGET; and away. Boot CPU. */
void sweep_doors_open(unsigned int target);
void sweep_doors_close(void);

/* The route of a door: its first instruction, and where its zones begin. */
struct step_route sweep_door_route(const struct sweep_door *door);
