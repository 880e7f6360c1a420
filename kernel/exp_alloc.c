/* SPDX-License-Identifier: MIT */
/*
 * run=alloc: what vmalloc() and vfree() of a few pages cost beside 10 to 100,000 areas that live,
 * in instructions. The areas are one frame mapped over and over, a page each, with holes: every
 * eighth is given back and purged. Each sample is one vmalloc() of 1 to 8 pages and its vfree(),
 * without the purge, which is another matter (run=purge) and comes later for many at once. The
 * frames of every sample are mapped and unmapped, page by page: that part is the same beside any
 * number.
 *
 * Parameters: most=N areas (100000), samples=N (64).
 */
#include "arch/x86_64/insn_count.h"
#include "arch/x86_64/paging.h"
#include "kernel/console.h"
#include "kernel/exp.h"
#include "kernel/random.h"
#include "kernel/report_lines.h"
#include "mm/frames.h"
#include "mm/vmalloc.h"

#define LEAST	  10
#define TIMES	  10 /* as many areas from one row to the next */
#define HOLE_EACH 8
#define MOST_SIZE 8 /* pages */

static struct exp experiment;
static void **areas;

struct sample {
	size_t size;
	void *memory;
};

static void do_vmalloc(void *arg)
{
	struct sample *sample = arg;

	sample->memory = vmalloc(sample->size);
}

static void do_vfree(void *arg)
{
	vfree(((struct sample *)arg)->memory);
}

/* Goes on from NR areas to MOST; a hole is where areas[] is NULL. False: no memory. */
static bool grow(u64 nr, u64 most, phys_addr_t frame)
{
	for (u64 i = nr; i < most; i++) {
		areas[i] = vmap(&frame, 1, PAGE_KERNEL);
		if (!areas[i])
			return false;
	}
	for (u64 i = nr; i < most; i++) {
		if (i % HOLE_EACH)
			continue;
		vunmap(areas[i]);
		areas[i] = NULL;
	}
	vm_unmap_aliases();
	return true;
}

static void shrink(u64 nr)
{
	for (u64 i = 0; i < nr; i++)
		if (areas[i])
			vunmap(areas[i]);
	vm_unmap_aliases();
}

struct alloc_cost {
	u64 vmalloc, vfree; /* sums over all samples */
};

static bool measure(struct exp *e, u64 samples, struct alloc_cost *cost)
{
	struct random random;

	*cost = (struct alloc_cost){0};
	random_init(&random, e->setup->options->seed, 0); /* the same sizes beside any number */
	for (u64 i = 0; i < samples; i++) {
		struct sample sample = {.size = (1 + random_below(&random, MOST_SIZE)) * PAGE_SIZE};

		cost->vmalloc += insn_count(do_vmalloc, &sample).instructions;
		if (!sample.memory)
			return false;
		cost->vfree += insn_count(do_vfree, &sample).instructions;
	}
	vm_unmap_aliases();
	return true;
}

static void report(struct exp *e, u64 nr, u64 samples, const struct alloc_cost *cost)
{
	struct json *j = exp_record(e, "alloc", NULL);

	json_u64(j, "areas", nr);
	json_u64(j, "samples", samples);
	json_decimal(j, "vmalloc_instructions", cost->vmalloc * 1000 / samples);
	json_decimal(j, "vfree_instructions", cost->vfree * 1000 / samples);
	exp_record_end(e);
	report_line(console_write, "%8lu %10lu %10lu", nr, cost->vmalloc / samples,
		    cost->vfree / samples);
}

static void run_sizes(struct exp *e, u64 most, u64 samples, phys_addr_t frame)
{
	u64 nr = 0;

	for (u64 next = min((u64)LEAST, most); nr < most; next = min(next * TIMES, most)) {
		struct alloc_cost cost;

		if (!grow(nr, next, frame)) {
			exp_error(e, "memory is too short for %lu areas", next);
			return;
		}
		nr = next;
		if (!measure(e, samples, &cost)) {
			exp_error(e, "memory is too short for a sample beside %lu areas", nr);
			break;
		}
		report(e, nr, samples, &cost);
	}
	shrink(nr);
}

enum ending run_alloc(const struct setup *setup)
{
	static const char *const known[] = {"most", "samples", NULL};
	const struct run_spec *run = &setup->options->run;
	u64 most = 100000, samples = 64;
	char err[OPTIONS_ERROR_MAX];
	phys_addr_t frame;

	if (!run_only_knows(run, known, err, sizeof(err)) ||
	    !run_u64(run, "most", LEAST, 1000000, &most, err, sizeof(err)) ||
	    !run_u64(run, "samples", 1, 100000, &samples, err, sizeof(err)) ||
	    !exp_begin(&experiment, "alloc", setup, DEFAULT_SOUND, err, sizeof(err)))
		return refuse(err);
	areas = vmalloc(most * sizeof(*areas));
	frame = frame_alloc();
	if (!areas || !frame)
		return refuse("run=alloc: memory is too short for its list of areas; valid: a "
			      "smaller most=");
	report_line(console_write, "%s", "");
	report_line(console_write,
		    "alloc: instructions of a vmalloc() and a vfree() of 1 to %u "
		    "pages, %lu samples",
		    MOST_SIZE, samples);
	report_line(console_write, "%8s %10s %10s", "Areas", "vmalloc", "vfree");
	run_sizes(&experiment, most, samples, frame);
	vfree(areas);
	frame_free(frame);
	return exp_end(&experiment);
}
