/* SPDX-License-Identifier: MIT */
/*
 * The load: allocation patterns after Linux's test_vmalloc, and after what interferes in practice
 * (stack-like areas of exiting threads, alias purges of the BPF JIT). Reproducible from a seed;
 * bounded by whoever calls, one operation at a time.
 */
#pragma once

#include "kernel/random.h"

#define STORM_LIVE_AREAS 16
#define STORM_FRAMES	 64

struct storm_area {
	u64 *memory;
	u64 tag; /* what its first word of each page holds */
	u32 pages;
};

struct storm_worker {
	struct random random;
	struct storm_area live[STORM_LIVE_AREAS];
	phys_addr_t frames[STORM_FRAMES]; /* what vmap() and vm_map_ram() map */
	u32 alias_percent;		  /* operations that end in vm_unmap_aliases() */
	u64 next_tag;
	u64 operations;
	u64 allocations;
	u64 failures;  /* allocations that memory did not allow */
	u64 corrupted; /* areas that did not hold what was written: two owners of one address */
	void (*between)(struct storm_worker *worker); /* after each operation; NULL: nothing */
	bool stop;				      /* set by the boot CPU, read by the worker */
};

/* STREAM: which of several workers with one seed. False when memory is short. */
bool storm_init(struct storm_worker *worker, u64 seed, u64 stream, u32 alias_percent);

/* One operation, on any CPU that may flush: interrupts on. */
void storm_operation(struct storm_worker *worker);

/* Operations until worker->stop: a cpu_work_t for housekeeping CPUs. */
void storm_run(void *worker);

/* Frees all areas and frames. */
void storm_end(struct storm_worker *worker);
