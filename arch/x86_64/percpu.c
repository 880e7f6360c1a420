/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU blocks: set up by the boot CPU for each CPU before that CPU runs.
 */
#include "arch/x86_64/percpu.h"

#include "arch/x86_64/breaks.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu_init.h"
#include "arch/x86_64/regs.h"

u32 broken __section(".entry.data");
struct cpumask isolated_cpus;
static unsigned int online;

void percpu_init(unsigned int cpu, u32 apic_id, u64 tsc_khz)
{
	struct percpu *block = percpu(cpu);

	block->self = block;
	block->cpu = cpu;
	block->apic_id = apic_id;
	block->entry_stack_top = cpu_area(cpu) + CPU_AREA_ENTRY_STACK + CPU_AREA_STACK_SIZE;
	block->user_frame = block->entry_stack_top - sizeof(struct pt_regs);
	user_page(cpu)
		->entries = 1; /* in the kernel since its start; the first task exits from it */
	user_page(cpu)->cpu = cpu;
	user_page(cpu)->tsc_khz = tsc_khz;
}

void percpu_set_online(void)
{
	/* Counted first: the boot CPU goes on, and reads the count, when it sees the flag. */
	__atomic_add_fetch(&online, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&this_cpu()->online, true, __ATOMIC_RELEASE);
}

void percpu_limit_online(unsigned int nr)
{
	static unsigned int all;

	if (!all)
		all = online;
	BUG_ON(nr == 0 || nr > all);
	__atomic_store_n(&online, nr, __ATOMIC_SEQ_CST);
}

unsigned int this_cpu_number(void)
{
	return this_cpu()->cpu;
}

unsigned int nr_online_cpus(void)
{
	return __atomic_load_n(&online, __ATOMIC_RELAXED);
}
