/* SPDX-License-Identifier: MIT */
/*
 * run=stacks: the exception that the seed names, task stacks in the vmalloc area. Tasks of isolated
 * CPUs end and are started anew on stacks whose addresses were used before, while other isolated
 * CPUs sit in ring 3 with the old translations, and housekeeping CPUs storm. One round:
 *
 *	1. one task ends, its stack is freed and purged: deferred by the CPUs that are in ring 3;
 *	2. its CPU gets a new task, whose stack comes back at an address that was used before;
 *	3. that CPU checks the stack before it runs on it (kernel/stack_oracle.h);
 *	4. every isolated CPU enters the kernel and checks it too.
 *
 * A policy that loses a flush is convicted by 3 or 4; claims excuse nothing here. What is missed in
 * 3 is flushed by hand, so that the run can end: a task on an old stack would write anywhere.
 *
 * Parameters: rounds=N, starts of a task at least; more, until addresses came back often enough. A
 * policy that holds addresses back (quarantine) needs more. plant=idt: the control of the table of
 * objects (kernel/zone_objects.h), which is printed first.
 */
#include "kernel/stacks.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/direct_map.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/relax.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/tlb.h"
#include "arch/x86_64/tsc.h"
#include "kernel/console.h"
#include "kernel/cpu_work.h"
#include "kernel/experiment.h"
#include "kernel/format.h"
#include "kernel/policy_rows.h"
#include "kernel/program.h"
#include "kernel/storm.h"
#include "kernel/task.h"
#include "kernel/zone_objects.h"
#include "mm/vmalloc.h"
#include "user/syscall.h"

#define TASK_LIMIT_MS 60000
#define OPERATIONS    2 /* of the boot CPU's storm, before a stack is freed and after */
#define ALIAS_PERCENT 50
#define MOST_TIMES    8 /* rounds at most, times what was asked for */

static struct storm_worker storms[2]; /* the boot CPU's, and that of one more housekeeping CPU */
static unsigned int helper;	      /* 0: there is none */
static struct task *tasks[MAX_CPUS];
static struct storm_page *pages[MAX_CPUS];
static phys_addr_t frames[MAX_CPUS];

static void start_work(void *task)
{
	if (!stack_oracle_check_own())
		__flush_tlb_all();
	task_run(task);
}

static void start_task(struct stacks_row *row, unsigned int cpu, u64 seed)
{
	const struct task_config config = {true, frames[cpu]};
	const char *error = "no such program";
	struct stack_address address;

	memset(pages[cpu], 0, PAGE_SIZE);
	pages[cpu]->seed = seed;
	pages[cpu]->bounce_every = 1;
	tasks[cpu] = task_create(program_find("bounce"), cpu, &config, &error);
	if (!tasks[cpu])
		panic("program bounce for CPU %u: %s", cpu, error);
	tasks[cpu]->arg = cpu;
	zone_objects_add_task(tasks[cpu]);
	address = stack_oracle_publish(cpu, (u64)tasks[cpu]->vmap_stack);
	row->starts++;
	row->reused += address.used_before;
	row->other_frame += address.other_frame;
	cpu_work_start(cpu, start_work, tasks[cpu]);
}

static void end_task(struct stacks_row *row, unsigned int cpu)
{
	WRITE_ONCE(pages[cpu]->command, STORM_FINISH);
	cpu_work_wait(cpu, TASK_LIMIT_MS, "program bounce");
	if (tasks[cpu]->fault[0] && !row->reason[0])
		snprintf(row->reason, sizeof(row->reason), "CPU %u: bounce: %s", cpu,
			 tasks[cpu]->fault);
	stack_oracle_withdraw(cpu);
	task_destroy(tasks[cpu]);
}

/*
 * Every isolated CPU enters, if it does not by itself, and has checked what was published last. A
 * CPU that is on its way out of an older entry reads the count of purges after it was raised, and
 * waits for one more than that. So the count goes up until the CPU has checked, not once.
 */
static void await_checks(void)
{
	u64 deadline = tsc_deadline(TASK_LIMIT_MS);

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		while (cpu_is_isolated(cpu) && !stack_oracle_checked(cpu)) {
			WRITE_ONCE(pages[cpu]->purges, pages[cpu]->purges + 1);
			if (cpu_work_done(cpu))
				panic("CPU %u: bounce ended too early: %s", cpu, tasks[cpu]->fault);
			if (tsc_passed(deadline))
				panic("CPU %u did not check a new stack within %u ms", cpu,
				      TASK_LIMIT_MS);
			cpu_relax();
		}
	}
}

static void storm_steps(void)
{
	for (u32 i = 0; i < OPERATIONS; i++)
		storm_operation(&storms[0]);
}

static void begin_storm(u64 seed)
{
	for (u32 i = 0; i < ARRAY_SIZE(storms); i++)
		if (!storm_init(&storms[i], seed, i + 1, ALIAS_PERCENT))
			panic("stacks: memory is too short for the storm's frames");
	if (helper)
		cpu_work_start(helper, storm_run, &storms[1]);
}

static void end_storm(struct stacks_row *row)
{
	__atomic_store_n(&storms[1].stop, true, __ATOMIC_RELEASE);
	if (helper)
		cpu_work_wait(helper, TASK_LIMIT_MS, "its share of the storm");
	for (u32 i = 0; i < ARRAY_SIZE(storms); i++) {
		storm_end(&storms[i]);
		row->corrupted += storms[i].corrupted;
	}
}

/* Adds, or takes away, what the isolated CPUs have counted since boot. */
static void count(struct stacks_row *row, bool begin)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		const struct percpu *p = percpu(cpu);
		u64 owed = p->tlb.nr_owed_entries, lost = p->lost + p->lost_in_nmi;

		if (!cpu_is_isolated(cpu))
			continue;
		row->owed += begin ? -owed : owed;
		row->lost += begin ? -lost : lost;
		if (!begin) {
			struct stack_counts counts = stack_oracle_counts(cpu);

			row->counts.checks += counts.checks;
			row->counts.exposed += counts.exposed;
			row->counts.stale += counts.stale;
		}
	}
}

static unsigned int next_isolated(unsigned int cpu)
{
	do
		cpu = (cpu + 1) % nr_online_cpus();
	while (!cpu_is_isolated(cpu));
	return cpu;
}

/* Of isolated CPUs, in ring 3 or not: each counts by itself. */
static u64 exposed_now(void)
{
	u64 exposed = 0;

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		if (cpu_is_isolated(cpu))
			exposed += stack_oracle_counts(cpu).exposed;
	return exposed;
}

static bool is_enough(const struct stacks_row *row, u64 rounds)
{
	if (row->starts < rounds)
		return false;
	return row->starts >= rounds * MOST_TIMES || (row->reused >= stacks_least(row, rounds) &&
						      exposed_now() >= stacks_least(row, rounds));
}

static void run_row(struct stacks_row *row, const struct policy_mode *mode, u64 rounds, u64 seed)
{
	unsigned int cpu = 0;

	select_policy(row->policy, mode);
	vm_unmap_aliases();
	stack_oracle_reset();
	count(row, true);
	for (unsigned int i = 0; i < nr_online_cpus(); i++)
		if (cpu_is_isolated(i))
			start_task(row, i, seed);
	await_checks();
	begin_storm(seed);
	while (!is_enough(row, rounds)) {
		cpu = next_isolated(cpu);
		storm_steps();
		end_task(row, cpu);
		storm_steps();
		vm_unmap_aliases();
		start_task(row, cpu, seed + row->starts);
		await_checks();
	}
	end_storm(row);
	for (unsigned int i = 0; i < nr_online_cpus(); i++)
		if (cpu_is_isolated(i))
			end_task(row, i);
	count(row, false);
	stacks_judge(row, rounds);
}

static const char *prepare(void)
{
	unsigned int isolated = 0;

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		if (!cpu_is_isolated(cpu)) {
			helper = helper ? helper : cpu;
			continue;
		}
		isolated++;
		frames[cpu] = boot_alloc_frames(1);
		if (!frames[cpu])
			panic("stacks: no memory for the page of CPU %u", cpu);
		pages[cpu] = phys_to_virt(frames[cpu]);
	}
	if (isolated < 2)
		return "run=stacks needs 2 isolated CPUs or more (nohz_full=): one whose task is "
		       "started anew, and one that stays in ring 3";
	if (!stack_oracle_init())
		panic("stacks: no memory for the oracle");
	return NULL;
}

enum ending run_stacks(const struct setup *setup)
{
	static const char *const known[] = {"rounds", "plant", NULL};
	static const char *const plants[] = {"none", "idt", NULL};
	static struct policy_row wanted[MAX_POLICY_ROWS];
	static struct stacks_row rows[MAX_POLICY_ROWS];
	const struct options *options = setup->options;
	char err[OPTIONS_ERROR_MAX];
	const char *missing;
	u64 rounds = 40;
	u32 nr_wanted, nr = 0, plant = 0, wrong;

	if (!run_only_knows(&options->run, known, err, sizeof(err)) ||
	    !run_u64(&options->run, "rounds", 10, 100000, &rounds, err, sizeof(err)) ||
	    !run_word(&options->run, "plant", plants, &plant, err, sizeof(err)))
		return refuse(err);
	if (!options->vmap_stack)
		return refuse("run=stacks: vmap_stack=off leaves no stack in the vmalloc area; "
			      "valid: vmap_stack=on");
	nr_wanted = policy_rows(options, policies_of(options), DEFAULT_SOUND, wanted, err,
				sizeof(err));
	if (!nr_wanted)
		return refuse(err);
	missing = prepare();
	if (missing)
		return refuse(missing);
	zone_objects_collect(plant);
	for (u32 i = 0; i < nr_wanted; i++) {
		const struct flush_policy *policy = wanted[i].policy;

		missing = policy->missing ? policy->missing() : NULL;
		if (missing) {
			pr_info("stacks: %s: skipped: %s", policy->name, missing);
			continue;
		}
		rows[nr].policy = policy;
		rows[nr].roots = wanted[i].mode.roots == ROOTS_TWO ? 2 : 1;
		run_row(&rows[nr++], &wanted[i].mode, rounds, options->seed);
	}
	wrong = zone_objects_print(console_write);
	stacks_print(rows, nr);
	if (wrong) {
		pr_err("stacks: %u kinds of objects lie where they must not", wrong);
		return END_FAIL;
	}
	return stacks_ending(rows, nr);
}
