/* SPDX-License-Identifier: MIT */
/*
 * run=crusty: what this machine's TLB really does with a translation that has been changed. Nothing
 * but the oracle's own frames and page tables is ever reached by an old translation, and they are
 * never given back: whatever a CPU keeps, it finds one of two numbers.
 *
 * What was not seen is not excluded. The report says "not seen in N rounds", never "does not".
 */
#pragma once

#include "arch/x86_64/types.h"
#include "kernel/experiment.h"
#include "kernel/json.h"
#include "user/crusty.h"

/* What a row must come to. */
enum crusty_rule {
	RULE_CONTROL, /* kept at least once, or this TLB keeps nothing and the rest says nothing */
	RULE_GONE,    /* the SDM promises that it is gone, each time */
	RULE_OPEN,    /* the machine's business */
};

/* plant=: what is left out on purpose. */
enum crusty_plant { CRUSTY_HONEST, CRUSTY_NO_FLUSH, CRUSTY_COLD };

struct crusty_row {
	const char *name;
	const char *question;
	enum crusty_rule rule;
	const char *missing; /* why it could not be asked; NULL: it was */
	u64 rounds, kept;    /* kept: the old translation was used */
};
#define CRUSTY_ROWS 28

/* --- crusty_probes.c, crusty_tables.c: one CPU, interrupts off, in the kernel ------------------
 */

struct crusty_probes {
	u64 rounds;
	enum crusty_plant plant;
	u32 nr_rows;
	struct crusty_row rows[CRUSTY_ROWS];
};

/* A cpu_work_t: asks every question on the calling CPU. */
void crusty_probes_work(void *probes);

/* --- crusty_survival.c: ring 3 -----------------------------------------------------------------
 */

#define CRUSTY_BUCKETS	 7 /* by time: below 1, 10, 100 us, 1, 10, 100 ms, and more */
#define CRUSTY_PRESSURES 5

struct crusty_survival {
	u64 pressure; /* other pages that ring 3 reads between two looks */
	u64 rounds, limit;
	u64 survived; /* rounds in which it was there at the last look, number LIMIT */
	u64 bucket[CRUSTY_BUCKETS];
	u64 shortest, longest; /* in looks, of those that went */
};

struct crusty_survivals {
	unsigned int cpu;
	u64 rounds, turns;
	struct crusty_survival row[CRUSTY_PRESSURES];
};

/* Runs ring 3 on s->cpu. NULL, or what went wrong. Boot CPU, another than s->cpu. */
const char *crusty_survive(struct crusty_survivals *s, bool vmap_stack);

/* --- crusty_report.c ---------------------------------------------------------------------------
 */

struct crusty_result {
	const struct setup *setup;
	u32 cpuid_signature; /* CPUID 1, EAX: family, model, stepping */
	struct crusty_probes probes;
	struct crusty_survivals survivals;
	enum ending verdict;
	char reason[160];
};

void crusty_print(const struct crusty_result *result);

/* NULL, or what was wrong (json_finish()). */
const char *crusty_json(const struct crusty_result *result, json_write_fn write);
