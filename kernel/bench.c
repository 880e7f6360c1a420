/* SPDX-License-Identifier: MIT */
/*
 * The two phases, see bench.h. The boot CPU leads: it starts the tasks, takes its own share of the
 * storm, moves the canaries, and reads everybody's counters only while nobody runs.
 */
#include "kernel/bench.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/breaks.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/spinlock.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/trace.h"
#include "arch/x86_64/tsc.h"
#include "arch/x86_64/zone.h"
#include "kernel/bench_counts.h"
#include "kernel/canary.h"
#include "kernel/cpu_work.h"
#include "kernel/format.h"
#include "kernel/nmi_load.h"
#include "kernel/program.h"
#include "kernel/result_findings.h"
#include "kernel/stepper.h"
#include "kernel/storm.h"
#include "kernel/task.h"
#include "kernel/tripwire.h"
#include "mm/frames.h"
#include "user/syscall.h"

#define TASK_LIMIT_MS	    60000
#define PHASE1_SWAPS	    16	/* canary moves of each isolated CPU in phase 1 */
#define PHASE2_LEAST	    500 /* flushes of phase 2, whatever was found already */
#define STALL_OPERATIONS    10000
#define BROKEN_FLUSHES	    4000 /* phase 2 under break=: at most; floors may be out of reach */
#define PACE_TURNS	    2048 /* phase 2: longest wait for the bouncing CPUs */
#define TSC_EVERY_UNDER_TCG 4096
#define DISTURB_TIMER	    200000 /* break=gap: APIC timer ticks between two disturbances */

static struct storm_page *storm_page;
static phys_addr_t storm_frame;
static struct storm_worker workers[MAX_CPUS];
static u64 max_workers;
static struct task *tasks[MAX_CPUS];
static struct spin_report spin_reports[MAX_CPUS];
static const struct storm_worker *nmi_sender; /* the boot CPU's, while it shall send NMIs */

/* The boot CPU takes part by itself; of the other housekeeping CPUs the first few do. */
static bool is_worker(unsigned int cpu)
{
	unsigned int before = 0;

	for (unsigned int other = 0; other < cpu; other++)
		if (other != this_cpu_number() && !cpu_is_isolated(other))
			before++;
	return cpu != this_cpu_number() && !cpu_is_isolated(cpu) && before < max_workers;
}

static bool takes_part(unsigned int cpu)
{
	return cpu == this_cpu_number() || is_worker(cpu);
}

static void make_storm_page(void)
{
	if (!storm_page) {
		storm_frame = boot_alloc_frames(1);
		if (!storm_frame)
			panic("no memory for the storm page");
		storm_page = phys_to_virt(storm_frame);
	}
}

/* flushes_issued() when the phase began. */
static u64 flushes_base;

static u64 phase_flushes(void)
{
	return flushes_issued() - flushes_base;
}

/* Tells ring 3 how many flushes there were, of all initiators; each of them calls this. */
static void publish_purges(void)
{
	u64 flushes = phase_flushes();
	u64 told = __atomic_load_n(&storm_page->purges, __ATOMIC_RELAXED);

	while (told < flushes &&
	       !__atomic_compare_exchange_n(&storm_page->purges, &told, flushes, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
}

static void start_workers(const struct bench_config *config, u64 phase,
			  void (*between)(struct storm_worker *))
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		if (!takes_part(cpu))
			continue;
		if (!storm_init(&workers[cpu], config->seed, phase * MAX_CPUS + cpu,
				config->alias_percent))
			panic("CPU %u: memory is too short for the storm's frames", cpu);
		workers[cpu].between = between;
		if (is_worker(cpu))
			cpu_work_start(cpu, storm_run, &workers[cpu]);
	}
}

static void stop_workers(struct policy_result *out)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		__atomic_store_n(&workers[cpu].stop, true, __ATOMIC_RELEASE);
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		if (!takes_part(cpu))
			continue;
		if (is_worker(cpu))
			cpu_work_wait(cpu, TASK_LIMIT_MS, "its share of the storm");
		out->allocations += workers[cpu].allocations;
		out->allocation_failures += workers[cpu].failures;
		out->corrupted += workers[cpu].corrupted;
		out->operations += workers[cpu].operations;
	}
}

/* Areas that live across operations go last, so that their flushes are counted nowhere. */
static void end_workers(void)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		if (takes_part(cpu))
			storm_end(&workers[cpu]);
}

static void disturb(void *unused)
{
	(void)unused;
	apic_timer_local(DISTURB_TIMER, VECTOR_TIMER);
}

static void leave_in_peace(void *unused)
{
	(void)unused;
	apic_timer_local(0, VECTOR_TIMER);
}

static void start_tasks(const char *name, const struct bench_config *config)
{
	struct task_config task_config = {config->vmap_stack, storm_frame};
	const struct program *program = program_find(name);

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		const char *error = "no such program";

		if (!cpu_is_isolated(cpu))
			continue;
		tasks[cpu] = program ? task_create(program, cpu, &task_config, &error) : NULL;
		if (!tasks[cpu])
			panic("program %s for CPU %u: %s", name, cpu, error);
		tasks[cpu]->arg = cpu;
		if (strcmp(name, "spin") == 0) {
			memset(&spin_reports[cpu], 0, sizeof(spin_reports[cpu]));
			tasks[cpu]->report = &spin_reports[cpu];
			tasks[cpu]->report_len = sizeof(spin_reports[cpu]);
		}
		cpu_work_start(cpu, task_run, tasks[cpu]);
	}
}

/* In ring 3 after its first probe, so nothing but the storm and its own end brings it back. */
static bool settled(unsigned int cpu, u64 syscalls_before)
{
	const struct user_page *page = user_page(cpu);
	u64 entries = READ_ONCE(page->entries);

	return READ_ONCE(page->exits) == entries &&
	       READ_ONCE(page->causes[CAUSE_SYSCALL]) > syscalls_before;
}

static void wait_settled(const u64 *syscalls_before)
{
	u64 deadline = tsc_deadline(TASK_LIMIT_MS);

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		while (cpu_is_isolated(cpu) && !settled(cpu, syscalls_before[cpu])) {
			if (cpu_work_done(cpu))
				panic("CPU %u: %s ended before it began: %s", cpu,
				      tasks[cpu]->program->name, tasks[cpu]->fault);
			if (tsc_passed(deadline))
				panic("CPU %u did not reach ring 3 within %u ms", cpu,
				      TASK_LIMIT_MS);
			cpu_relax();
		}
	}
}

static void end_tasks(struct policy_result *out)
{
	WRITE_ONCE(storm_page->command, STORM_FINISH);
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		if (!cpu_is_isolated(cpu))
			continue;
		cpu_work_wait(cpu, TASK_LIMIT_MS, tasks[cpu]->program->name);
		if (tasks[cpu]->fault[0] && !out->reason[0])
			snprintf(out->reason, sizeof(out->reason), "CPU %u: %s: %s", cpu,
				 tasks[cpu]->program->name, tasks[cpu]->fault);
	}
}

static void destroy_tasks(void)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		if (cpu_is_isolated(cpu))
			task_destroy(tasks[cpu]);
}

static void for_isolated_call(smp_call_func_t func)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		if (cpu_is_isolated(cpu))
			smp_call_function_single(cpu, CALL_OTHER, func, NULL);
}

static void settle(const char *program, const struct bench_config *config)
{
	static u64 before[MAX_CPUS];

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		before[cpu] = user_page(cpu)->causes[CAUSE_SYSCALL];
	memset(storm_page, 0, PAGE_SIZE);
	storm_page->seed = config->seed;
	storm_page->bounce_every = config->bounce_every;
	storm_page->tsc_every = relax_without_pause ? TSC_EVERY_UNDER_TCG : 1;
	start_tasks(program, config);
	wait_settled(before);
}

/*
 * A storm whose allocations all fail flushes nothing and would never end. True, with the reason,
 * when the boot CPU's own share went on for STALL_OPERATIONS without any flush by anybody.
 */
static bool stalled(struct policy_result *out)
{
	static u64 last_flushes, operations_then;
	u64 operations = workers[this_cpu_number()].operations;
	u64 flushes = phase_flushes();

	if (flushes != last_flushes || operations < operations_then) {
		last_flushes = flushes;
		operations_then = operations;
	}
	if (operations - operations_then < STALL_OPERATIONS)
		return false;
	snprintf(out->reason, sizeof(out->reason), "%u operations of the storm without a flush",
		 STALL_OPERATIONS);
	return true;
}

static void phase1(const struct bench_config *config, struct policy_result *out)
{
	u64 swaps = 0;

	settle("spin", config);
	if (broken & BREAK_GAP)
		for_isolated_call(disturb);
	counts_begin();
	trace_mark("phase 1 begins", out->name, out->roots);
	tripwire_arm(true);
	flushes_base = flushes_issued();
	start_workers(config, 1, NULL);
	while (phase_flushes() < config->flushes && !stalled(out)) {
		storm_operation(&workers[this_cpu_number()]);
		if (phase_flushes() < (swaps + 1) * config->flushes / PHASE1_SWAPS)
			continue;
		swaps++;
		for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
			if (cpu_is_isolated(cpu))
				canary_swap(cpu, false);
	}
	stop_workers(out);
	end_tasks(out);
	tripwire_arm(false);
	trace_mark("phase 1 ends", out->name, out->roots);
	counts_end_phase1(out, spin_reports);
	if (broken & BREAK_GAP)
		for_isolated_call(leave_in_peace);
	end_workers();
	destroy_tasks();
}

static bool floors_reached(const struct policy_result *out)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		struct canary_counts canary = canary_counts(cpu);
		struct cpu_result now = {0};

		if (!cpu_is_isolated(cpu))
			continue;
		if (canary.checks < FLOOR_CHECKS ||
		    (canary_convicts(out) && canary.warm < FLOOR_WARM))
			return false;
		if (out->nmi_load && canary.nmi_checks < FLOOR_NMI_CHECKS)
			return false;
		counts_entries_now(cpu, &now);
		now.owed_entries += out->cpus[cpu].owed_entries;
		now.drained = out->cpus[cpu].drained;
		if (out->defers && testing_entries(out, &now) < FLOOR_OWED)
			return false;
	}
	return true;
}

/* What the oracles have seen already decides, unless claimed; the floors are for acquittals. */
static bool convicted(const struct policy_result *out)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		struct canary_counts canary = canary_counts(cpu);
		struct cpu_result now = {.stale = canary.stale, .nmi_stale = canary.nmi_stale};
		u64 counts[FINDINGS];

		counts_lost_now(cpu, &now);
		cpu_findings(out, &now, counts);
		if (cpu_is_isolated(cpu) && has_unclaimed(out, counts))
			return true;
	}
	return false;
}

static bool phase2_is_over(const struct bench_config *config, const struct policy_result *out)
{
	u64 limit = broken ? BROKEN_FLUSHES : config->phase2_flushes;
	u64 flushes = phase_flushes();

	if (flushes >= min(limit, config->phase2_flushes))
		return true;
	return flushes >= PHASE2_LEAST && (convicted(out) || floors_reached(out));
}

/*
 * Emulated CPUs share few cores, so after most operations of the storm the bouncing CPUs get a
 * bounded chance to enter; after the others it goes on at once, so that flushes meet them anywhere.
 */
static void pace(struct storm_worker *worker)
{
	u64 limit = random_below(&worker->random, 4) ? PACE_TURNS : 0;

	publish_purges();
	if (worker == nmi_sender)
		nmi_load_step();
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		u64 entries = READ_ONCE(user_page(cpu)->entries);

		while (cpu_is_isolated(cpu) && limit && !READ_ONCE(worker->stop) &&
		       READ_ONCE(user_page(cpu)->entries) == entries) {
			limit--;
			cpu_relax();
		}
	}
}

static void phase2(const struct bench_config *config, struct policy_result *out)
{
	struct storm_worker *own = &workers[this_cpu_number()];

	settle("bounce", config);
	counts_begin();
	trace_mark("phase 2 begins", out->name, out->roots);
	tripwire_arm(true);
	flushes_base = flushes_issued();
	start_workers(config, 2, pace);
	nmi_load_begin(config->seed);
	nmi_sender = out->nmi_load ? own : NULL;
	while (!phase2_is_over(config, out) && !stalled(out)) {
		for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
			if (cpu_is_isolated(cpu))
				canary_swap(cpu, true);
		storm_operation(own);
	}
	nmi_sender = NULL;
	nmi_load_end();
	stop_workers(out);
	end_tasks(out);
	tripwire_arm(false);
	trace_mark("phase 2 ends", out->name, out->roots);
	counts_end_phase2(out);
	end_workers();
	destroy_tasks();
}

void bench_describe(const struct flush_policy *policy, const struct bench_config *config,
		    struct policy_result *out)
{
	out->name = policy->name;
	out->lineage = policy->lineage;
	out->roots = config->mode.roots == ROOTS_TWO ? 2 : 1;
	out->defers = policy->defers;
	out->eager = policy->eager;
	out->broadcast = policy->broadcast;
	BUG_ON(policy->nr_claims > RESULT_MAX_CLAIMS);
	for (u32 i = 0; i < policy->nr_claims; i++) {
		const struct policy_claim *claim = &policy->claims[i];

		out->claims[i] = (struct claim_result){claim->id, claim->context, claim->effect};
	}
	out->nr_claims = policy->nr_claims;
	out->stale_copy = zone_mode == ZONE_STALE;
	out->never_stale = zone_mode == ZONE_TRAP;
	out->nmi_load = config->nmi == NMI_ON ||
			(config->nmi == NMI_AUTO && !claim_in_context(out, "nmi"));
}

/* Where it cannot convict 0 would say too much. One that was read stale has said enough. */
static void read_canaries(struct policy_result *out)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		struct canary_counts canary = canary_counts(cpu);
		struct cpu_result *result = &out->cpus[cpu];

		result->warm = canary.warm;
		result->canary_checks = canary.checks;
		result->stale = canary.stale;
		result->nmi_checks = canary.nmi_checks;
		result->nmi_stale = canary.nmi_stale;
		result->canary_valid = canary_convicts(out) || canary.stale || canary.nmi_stale;
		result->nmis_sent = nmi_load_sent(cpu);
	}
}

/* On the first isolated CPU, idle by now. */
static u32 null_syscall_instructions(const struct bench_config *config)
{
	unsigned int cpu = 0;

	while (!cpu_is_isolated(cpu))
		cpu++;
	return step_count_null_syscall(cpu, config->vmap_stack);
}

void bench_run(const struct flush_policy *policy, const struct bench_config *config,
	       struct policy_result *out)
{
	max_workers = config->workers;
	make_storm_page();
	if (!canaries_init())
		panic("no memory for the canaries");
	select_policy(policy, &config->mode);
	canaries_reset();
	out->nr_cpus = nr_online_cpus();
	out->ran = true;
	phase1(config, out);
	phase2(config, out);
	read_canaries(out);
	if (zone_mode == ZONE_OFF &&
	    !(trace_groups & TRACE_G_ALL)) /* else what watches would be counted too */
		out->syscall_instructions = null_syscall_instructions(config);
}
