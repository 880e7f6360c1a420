/* SPDX-License-Identifier: MIT */
/*
 * run=hostile: ring 3 does what it must not, under every policy, see hostile.h. The last isolated
 * CPU is the hostile one; another runs a task that must not be harmed; the boot CPU purges and
 * sends NMIs meanwhile, unless the policy claims a defect that these would meet.
 *
 * Parameters: ops=N a row (all directed operations and 500 more), first=N, the number of the first
 * one, seed=N (seed='s); plant=WORD breaks something on purpose at the last operation, and such a
 * run must end as a failure.
 */
#include "kernel/hostile.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/tsc.h"
#include "kernel/canary.h"
#include "kernel/console.h"
#include "kernel/cpu_work.h"
#include "kernel/experiment.h"
#include "kernel/format.h"
#include "kernel/hostile_load.h"
#include "kernel/hostile_run.h"
#include "kernel/policy_rows.h"
#include "kernel/report_lines.h"
#include "mm/frames.h"
#include "mm/vmalloc.h"

#define FUZZ_OPS    500
#define OP_LIMIT_MS 120000 /* for one operation: an emulated CPU may be away for long */
#define TEXT_MAX    (HOSTILE_REASON_MAX + 80)

struct request {
	u64 seed, first, ops;
	u32 plant;
};

static const char *const plants[] = {[PLANT_NOTHING] = "nothing",
				     [PLANT_REASON] = "reason",
				     [PLANT_CR0] = "cr0",
				     [PLANT_FLAGS] = "flags",
				     [PLANT_MSR] = "msr",
				     [PLANT_GDTR] = "gdtr",
				     [PLANT_WORDS] = "words",
				     [PLANT_DOORS] = "doors",
				     [PLANT_TSS] = "tss",
				     [PLANT_IDT] = "idt",
				     [PLANT_DR7] = "dr7",
				     [PLANT_STACK] = "stack",
				     [PLANT_QUIET] = "quiet",
				     [PLANT_IMAGE] = "image",
				     [PLANT_VICTIM] = "victim",
				     [PLANT_ENTRY] = "entry",
				     [PLANT_FRAME] = "frame",
				     [PLANT_GATE] = "gate",
				     NULL};

extern const char kernel_rodata_end[];

static struct hostile_run run;
static struct hostile_load load;

static bool read_request(const struct options *options, struct request *request, char *err,
			 size_t errlen)
{
	static const char *const known[] = {"seed", "first", "ops", "plant", NULL};
	const struct run_spec *spec = &options->run;

	*request = (struct request){
		.seed = options->seed,
		.ops = hostile_directed() + FUZZ_OPS,
	};
	return run_only_knows(spec, known, err, errlen) &&
	       run_u64(spec, "seed", 0, ~0UL, &request->seed, err, errlen) &&
	       run_u64(spec, "first", 0, 1UL << 40, &request->first, err, errlen) &&
	       run_u64(spec, "ops", 1, 1UL << 40, &request->ops, err, errlen) &&
	       run_word(spec, "plant", plants, &request->plant, err, errlen);
}

/* The hostile CPU is the last isolated one, the victim's any other but the boot CPU. */
static bool choose_cpus(struct hostile_world *world)
{
	world->cpu = world->victim = 0;
	for (unsigned int cpu = 1; cpu < nr_online_cpus(); cpu++)
		if (cpu_is_isolated(cpu))
			world->cpu = cpu;
	for (unsigned int cpu = 1; cpu < nr_online_cpus(); cpu++)
		if (cpu != world->cpu)
			world->victim = cpu;
	return world->cpu && world->victim;
}

static enum engine engine_of(const struct machine_result *machine)
{
	if (!machine->emulated)
		return ENGINE_HARDWARE;
	return machine->hypervisor[0] ? ENGINE_TCG : ENGINE_BOCHS;
}

/* The last byte of the kernel's constants, which are read-only to everybody: by CR0.WP. */
static void flip_constant(void)
{
	volatile u8 *byte = (volatile u8 *)((u64)kernel_rodata_end - 1);

	write_cr0(read_cr0() & ~CR0_WP);
	*byte ^= 1;
	write_cr0(read_cr0() | CR0_WP);
}

/* The load goes on as long as the operations do; one that does not end is named. */
static void wait_for_operations(void)
{
	u64 seen = ~0UL;
	u64 deadline = 0;

	while (!cpu_work_done(run.world.cpu)) {
		u64 now = READ_ONCE(run.current);

		if (now != seen)
			deadline = tsc_deadline(OP_LIMIT_MS);
		seen = now;
		if (tsc_passed(deadline))
			panic("CPU %u: operation %lu (%s) has not ended within %u ms",
			      run.world.cpu, now, run.op.name, OP_LIMIT_MS);
		hostile_load_step(&load);
	}
}

/* Whether POLICY claims a defect in a context other than CONTEXT. */
static bool claims_outside(const struct flush_policy *policy, const char *context)
{
	for (u32 i = 0; i < policy->nr_claims; i++)
		if (strcmp(policy->claims[i].context, context) != 0)
			return true;
	return false;
}

static const char *run_operations(const struct policy_row *row, const struct setup *setup)
{
	bool vmap_stack = setup->options->vmap_stack;
	const char *error = hostile_run_create(&run, vmap_stack);

	load.target = run.world.cpu;
	load.victim = run.world.victim;
	load.purge = !row->policy->control && !claims_outside(row->policy, "nmi");
	load.nmi = load.purge && !row->policy->nr_claims;
	load.spurious_is_wrong = !row->policy->eager;
	if (!error)
		error = hostile_load_begin(&load, run.world.seed, vmap_stack);
	if (error)
		panic("hostile: %s", error);
	cpu_work_start(run.world.cpu, hostile_run_work, &run);
	wait_for_operations();
	if (run.plant == PLANT_VICTIM)
		hostile_load_harm(&load);
	if (run.plant == PLANT_ENTRY)
		hostile_load_interrupt(&load);
	error = hostile_load_end(&load);
	hostile_run_destroy(&run);
	return error;
}

/*
 * What is free when nothing rests. Where the boot CPU purges, the vmalloc area's own tables and
 * lists grow by the way and are never given back (R1), so that only rows without purges can tell.
 */
static u64 free_frames(void)
{
	vmalloc_release_all_held();
	vm_unmap_aliases();
	return frame_counts().free;
}

static u64 sum_of_ends(void)
{
	u64 sum = 0;

	for (u32 i = 0; i < OUTCOMES; i++)
		sum += run.ended[i];
	return sum;
}

static enum ending run_row(const struct policy_row *row, const struct setup *setup,
			   const struct request *request, char *reason)
{
	u64 image = kernel_image_sum();
	struct hostile_world world = run.world;
	const char *harm;
	u64 frames;

	select_policy(row->policy, &row->mode);
	frames = free_frames();
	memset(&run, 0, sizeof(run));
	memset(&load, 0, sizeof(load));
	run.world = world;
	run.world.seed = request->seed;
	run.first = request->first;
	run.ops = request->ops;
	run.plant = request->plant;
	percpu(world.cpu)->lost = percpu(world.cpu)->lost_in_nmi = 0;
	percpu(world.cpu)->tlb.nr_spurious_drains = 0;
	harm = run_operations(row, setup);
	if (request->plant == PLANT_IMAGE)
		flip_constant();
	if (request->plant == PLANT_FRAME)
		frames += !frame_alloc(); /* none to lose: convicted as well */
	reason[0] = '\0';
	if (run.failed)
		snprintf(reason, TEXT_MAX, "%s", run.reason);
	else if (harm)
		snprintf(reason, TEXT_MAX, "%s", harm);
	else if (kernel_image_sum() != image)
		snprintf(reason, TEXT_MAX, "the kernel's text or constants have changed");
	else if (!load.purge && free_frames() < frames)
		snprintf(reason, TEXT_MAX, "%lu frames were not given back",
			 frames - free_frames());
	if (reason[0])
		return END_FAIL;
	if (sum_of_ends() == request->ops && load.report.looks)
		return END_PASS;
	snprintf(reason, TEXT_MAX, "%lu of %lu operations ended, the victim looked %lu times",
		 sum_of_ends(), request->ops, load.report.looks);
	return END_ERROR;
}

static void print_head(const struct request *request)
{
	report_line(console_write, "hostile: ring 3 of CPU %u, CPU %u runs the victim, seed %lu",
		    run.world.cpu, run.world.victim, request->seed);
	report_line(console_write, "                   |----------- operations, by their end -----"
				   "-----| |------ load ------|");
	report_line(console_write, "Policy       Roots     All  Killed    Back   Exit  Timer   Dev."
				   " Purges   NMIs Canary #DB0 Verdict");
}

static void print_row(const struct policy_row *row, const struct setup *setup,
		      const struct request *request, enum ending verdict, const char *reason)
{
	struct report_paragraph paragraph;

	report_line(console_write,
		    "%-12s %5u %7lu %7lu %7lu %6lu %6lu %6lu %6lu %6lu %6lu %4lu %7s",
		    row->policy->name, row->mode.roots == ROOTS_TWO ? 2U : 1U, sum_of_ends(),
		    run.ended[OUTCOME_FAULT], run.ended[OUTCOME_DONE], run.ended[OUTCOME_EXIT],
		    run.ended[OUTCOME_TIMER], run.deviations, load.purges, load.nmis,
		    load.canary_checks, run.ring0_dbs, ending_word(verdict));
	if (verdict == END_PASS)
		return;
	report_paragraph_begin(&paragraph, console_write, "  reason:");
	report_paragraph_text(&paragraph, reason);
	report_paragraph_end(&paragraph);
	if (run.failed)
		report_line(console_write,
			    "  again: make run RUN=hostile,seed=%lu,first=%lu,ops=1 POLICY=%s "
			    "ARGS=\"pti=%s%s%s\"",
			    request->seed, run.op.index, row->policy->name,
			    row->mode.roots == ROOTS_TWO ? "on" : "off",
			    setup->parameters.broken[0] ? " " : "", setup->parameters.broken);
}

static enum ending worse(enum ending a, enum ending b)
{
	return a == END_FAIL || b == END_FAIL ? END_FAIL : a == END_PASS ? b : a;
}

static enum ending run_rows(const struct setup *setup, const struct request *request)
{
	static struct policy_row rows[MAX_POLICY_ROWS];
	enum ending verdict = END_PASS;
	char err[OPTIONS_ERROR_MAX], reason[TEXT_MAX];
	u32 carried_out = 0;
	u32 nr = policy_rows(setup->options, policies_of(setup->options), DEFAULT_ALL, rows, err,
			     sizeof(err));

	if (!nr)
		return refuse(err);
	print_head(request);
	for (u32 i = 0; i < nr; i++) {
		const char *missing = rows[i].policy->missing ? rows[i].policy->missing() : NULL;
		enum ending ending;

		if (missing) {
			pr_info("%s: skip: %s", rows[i].policy->name, missing);
			continue;
		}
		ending = run_row(&rows[i], setup, request, reason);
		print_row(&rows[i], setup, request, ending, reason);
		verdict = worse(verdict, ending);
		carried_out++;
	}
	if (!carried_out) {
		pr_err("hostile: no policy can be run here");
		return END_ERROR;
	}
	if (verdict != END_PASS || (!request->plant && !setup->parameters.broken[0]))
		return verdict;
	pr_err("hostile: %s was not convicted",
	       request->plant ? plants[request->plant] : setup->parameters.broken);
	return END_ERROR;
}

enum ending run_hostile(const struct setup *setup)
{
	struct request request;
	char err[OPTIONS_ERROR_MAX];

	if (!read_request(setup->options, &request, err, sizeof(err)))
		return refuse(err);
	if (!choose_cpus(&run.world))
		return refuse("run=hostile needs 3 CPUs or more: the boot CPU, an isolated one "
			      "(nohz_full=) and one for the victim");
	run.world.engine = engine_of(&setup->machine);
	if (!canaries_init())
		panic("no memory for the canaries");
	return run_rows(setup, &request);
}
