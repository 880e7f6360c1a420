/* SPDX-License-Identifier: MIT */
/*
 * See hostile_load.h. The boot CPU purges the hostile CPU's canary as fast as it may and sends NMIs
 * in between, as the comparison does (kernel/nmi_load.h): to every isolated CPU.
 */
#include "kernel/hostile_load.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/direct_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/relax.h"
#include "arch/x86_64/tsc.h"
#include "kernel/canary.h"
#include "kernel/cpu_work.h"
#include "kernel/nmi_load.h"
#include "kernel/program.h"
#include "mm/frames.h"
#include "mm/vmalloc.h"

#define VICTIM_LIMIT_MS 60000
#define REST_TURNS	50

static struct storm_page *storm_page(const struct hostile_load *load)
{
	return phys_to_virt(load->storm_frame);
}

const char *hostile_load_begin(struct hostile_load *load, u64 seed, bool vmap_stack)
{
	struct task_config config = {.vmap_stack = vmap_stack};
	const char *error = NULL;

	load->storm_frame = frame_alloc_zeroed();
	if (!load->storm_frame)
		return "no memory for the victim's page";
	config.storm_page = load->storm_frame;
	load->task = task_create(program_find("victim"), load->victim, &config, &error);
	if (!load->task)
		return error;
	load->task->report = &load->report;
	load->task->report_len = sizeof(load->report);
	vm_unmap_aliases();
	canaries_reset();
	nmi_load_begin(seed);
	cpu_work_start(load->victim, task_run, load->task);
	return NULL;
}

void hostile_load_step(struct hostile_load *load)
{
	for (u32 i = 0; i < REST_TURNS; i++)
		cpu_relax();
	if (load->purge)
		load->purges += canary_swap(load->target, false);
	if (load->nmi)
		nmi_load_step();
}

static const char *judge_victim(const struct hostile_load *load)
{
	const struct victim_report *report = &load->report;

	if (load->task->fault[0] || load->task->exit_code)
		return "the victim was ended";
	if (report->memory_lost)
		return "the victim has lost memory";
	if (report->registers_lost)
		return "the victim has lost registers";
	return report->entries ? "the victim's CPU was entered by exceptions or its timer" : NULL;
}

static const char *judge_target(const struct hostile_load *load)
{
	const struct percpu *cpu = percpu(load->target);
	struct canary_counts counts = canary_counts(load->target);

	if (counts.stale || counts.nmi_stale)
		return "a canary read an old translation";
	if (cpu->lost || cpu->lost_in_nmi)
		return "a completed purge was found that the CPU had not flushed";
	return load->spurious_is_wrong && cpu->tlb.nr_spurious_drains ? "a drain without a purge"
								      : NULL;
}

const char *hostile_load_end(struct hostile_load *load)
{
	struct canary_counts counts = canary_counts(load->target);
	const char *found;

	nmi_load_end();
	load->nmis = nmi_load_sent(load->target);
	load->canary_checks = counts.checks + counts.nmi_checks;
	WRITE_ONCE(storm_page(load)->command, STORM_FINISH);
	cpu_work_wait(load->victim, VICTIM_LIMIT_MS, "end of the victim");
	found = judge_victim(load);
	if (!found && load->purge)
		found = judge_target(load);
	task_destroy(load->task);
	frame_free(load->storm_frame);
	return found;
}

/* Its pattern lies at the end of its data: the first word that is not 0, found by its address. */
void hostile_load_harm(struct hostile_load *load)
{
	phys_addr_t pa = 0;

	for (u64 va = 0x400000; va < 0x500000; va += PAGE_SIZE) {
		u64 flags;

		if (!walk(load->task->mm.root, va, &pa, &flags) || !(flags & PTE_WRITE))
			continue;
		*(volatile u64 *)((char *)phys_to_virt(pa) + PAGE_SIZE / 2) ^= 1;
		return;
	}
	panic("the victim has no data");
}

void hostile_load_interrupt(const struct hostile_load *load)
{
	const struct percpu *cpu = percpu(load->victim);
	u64 before = READ_ONCE(cpu->irqs.timer);
	u64 deadline = tsc_deadline(VICTIM_LIMIT_MS);

	apic_send_ipi(cpu->apic_id, VECTOR_TIMER);
	while (READ_ONCE(cpu->irqs.timer) == before) {
		if (tsc_passed(deadline))
			panic("CPU %u has taken no timer interrupt within %u ms", load->victim,
			      VICTIM_LIMIT_MS);
		cpu_relax();
	}
}
