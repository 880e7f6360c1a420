/* SPDX-License-Identifier: MIT */
/*
 * The stepped program and its orders, see stepper.h.
 */
#include "kernel/stepper.h"

#include "arch/x86_64/direct_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/relax.h"
#include "arch/x86_64/step.h"
#include "arch/x86_64/tsc.h"
#include "kernel/cpu_work.h"
#include "kernel/program.h"
#include "mm/frames.h"

#define ORDER_LIMIT_MS 30000

static void give_back(struct stepper *s)
{
	if (s->task)
		task_destroy(s->task);
	if (s->frame)
		frame_free(s->frame);
}

const char *stepper_start(struct stepper *s, unsigned int cpu, bool vmap_stack)
{
	const struct task_config config = {vmap_stack, 0};
	const char *error = NULL;

	*s = (struct stepper){.cpu = cpu};
	s->frame = frame_alloc_zeroed();
	s->task = task_create(program_find("step"), cpu, &config, &error);
	if (!error && (!s->frame || task_map(s->task, STEP_PAGE_VA, s->frame, PTE_WRITE | PTE_NX)))
		error = "memory is too short for its page";
	if (error) {
		give_back(s);
		return error;
	}
	s->page = phys_to_virt(s->frame);
	s->page->pause = !relax_without_pause;
	step_arm(STEP_TARGET, cpu);
	cpu_work_start(cpu, task_run, s->task);
	return NULL;
}

void stepper_order(struct stepper *s, enum step_order order)
{
	s->page->order = order;
	s->page->order_number++;
}

void stepper_wait(struct stepper *s)
{
	u64 deadline = tsc_deadline(ORDER_LIMIT_MS);

	while (s->page->done_number != s->page->order_number) {
		if (cpu_work_done(s->cpu))
			panic("CPU %u: the stepped program has ended: %s", s->cpu, s->task->fault);
		if (tsc_passed(deadline))
			panic("CPU %u: order %lu of the stepped program was not carried out within "
			      "%u ms",
			      s->cpu, s->page->order, ORDER_LIMIT_MS);
		cpu_relax();
	}
}

void stepper_call(struct stepper *s, enum step_order order)
{
	stepper_order(s, order);
	stepper_wait(s);
}

static struct {
	const struct stepper *s;
	u64 entries, beat;
	bool entered;
} way;

void stepper_way_begin(const struct stepper *s)
{
	way.s = s;
	way.entries = READ_ONCE(user_page(s->cpu)->entries);
	way.entered = false;
}

/*
 * It has come in, and then ring 3's program ran again, without an order left: what came in may have
 * been something else before its own way.
 */
bool stepper_is_back(void)
{
	if (!way.entered) {
		way.entered = READ_ONCE(user_page(way.s->cpu)->entries) != way.entries;
		way.beat = way.s->page->beat;
		return false;
	}
	return way.s->page->done_number == way.s->page->order_number &&
	       way.s->page->beat != way.beat;
}

void stepper_end(struct stepper *s)
{
	stepper_order(s, STEP_EXIT_PROGRAM);
	cpu_work_wait(s->cpu, ORDER_LIMIT_MS, "the end of the stepped program");
	step_disarm(STEP_TARGET);
	give_back(s);
}

struct step_counts step_counts(void)
{
	return (struct step_counts){
		.entry = step_instructions(STEP_TARGET, STEP_ZONE_ENTRY),
		.kernel = step_instructions(STEP_TARGET, STEP_ZONE_KERNEL),
		.exit = step_instructions(STEP_TARGET, STEP_ZONE_EXIT),
	};
}

static void count_once(struct stepper *s, struct step_counts *counts)
{
	step_begin(STEP_TARGET, STEP_NOWHERE);
	stepper_call(s, STEP_TRACE_NULL);
	*counts = step_counts();
}

/* The first call may find a flush owed. */
bool stepper_count_null(struct stepper *s, struct step_counts *counts)
{
	struct step_counts again;

	for (u32 i = 0; i < STEP_WARM_UP_CALLS; i++)
		stepper_call(s, STEP_CALL_NULL);
	count_once(s, counts);
	count_once(s, &again);
	return counts->entry && counts->kernel && counts->exit && counts->entry == again.entry &&
	       counts->kernel == again.kernel && counts->exit == again.exit;
}

u32 step_count_null_syscall(unsigned int cpu, bool vmap_stack)
{
	struct step_counts counts = {0};
	struct stepper s;
	bool steady;

	if (stepper_start(&s, cpu, vmap_stack))
		return 0;
	steady = stepper_count_null(&s, &counts);
	stepper_end(&s);
	return steady ? (u32)(counts.entry + counts.kernel + counts.exit) : 0;
}
