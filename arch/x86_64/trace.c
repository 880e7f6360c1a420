/* SPDX-License-Identifier: MIT */
/*
 * The rings, see trace.h.
 *
 * A writer reads the time, then takes the place with one CMPXCHG (no LOCK: only this CPU writes its
 * head, and an instruction is whole to whatever interrupts it). An NMI in between takes a place of
 * its own, the CMPXCHG fails, and the time is read again. So places and times of one CPU have the
 * same order. An NMI behind it takes the next place and leaves ours alone; if it fills a whole
 * ring, our place is written twice, and `number`, which is written last, tells a reader which
 * record it is, or with 0 that it is none.
 */
#include "arch/x86_64/trace.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/direct_map.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"

u32 trace_groups __section(".entry.data");
static u64 place_mask __section(".entry.data");

/* The place and its time. */
static __always_inline u64 take_place(u64 *tsc)
{
	const size_t at = offsetof(struct percpu, trace.head);
	u64 head;
	bool taken;

	do {
		__asm__ volatile("mov %%gs:%c1, %0" : "=r"(head) : "i"(at) : "memory");
		*tsc = rdtsc_ordered();
		__asm__ volatile("cmpxchg %2, %%gs:%c3"
				 : "=@ccz"(taken), "+a"(head)
				 : "r"(head + 1), "i"(at)
				 : "memory");
	} while (!taken);
	return head;
}

noinstr void trace_write(enum trace_event event, u32 other, u64 a, u64 b, u64 c, u64 d)
{
	struct trace_cpu *trace = &this_cpu()->trace;
	struct trace_record *record;
	u64 tsc, place;

	if (!trace->ring)
		return;
	place = take_place(&tsc);
	record = &trace->ring[place & place_mask];
	WRITE_ONCE(record->number, 0);
	barrier();
	record->tsc = tsc;
	record->event = event;
	record->other = other;
	record->arg[0] = a;
	record->arg[1] = b;
	record->arg[2] = c;
	record->arg[3] = d;
	barrier();
	WRITE_ONCE(record->number, place + 1);
	__asm__ volatile("incq %0" : "+m"(trace->count[event]));
}

void trace_mark(const char *text, const char *subject, u64 number)
{
	if (trace_on(TRACE_G_ALL))
		trace_write(TRACE_MARK, 0, (u64)text, (u64)subject, number, 0);
}

bool trace_start(u32 groups, u32 records)
{
	size_t bytes = (size_t)records * sizeof(struct trace_record);

	BUG_ON(records == 0 || (records & (records - 1)));
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		phys_addr_t first = boot_alloc_frames(ALIGN_UP(bytes, PAGE_SIZE) / PAGE_SIZE);

		if (!first)
			return false;
		percpu(cpu)->trace.drains = percpu(cpu)->tlb.nr_drains;
		percpu(cpu)->trace.ring = phys_to_virt(first);
	}
	place_mask = records - 1;
	if (groups & (TRACE_G_ENTRY | TRACE_G_DRAIN))
		trace_doors_init();
	__atomic_store_n(&trace_groups, groups, __ATOMIC_SEQ_CST);
	return true;
}

void trace_stop(void)
{
	__atomic_store_n(&trace_groups, 0, __ATOMIC_SEQ_CST);
}

u32 trace_ring_size(void)
{
	return percpu(0)->trace.ring ? (u32)place_mask + 1 : 0;
}

bool trace_read(unsigned int cpu, u64 number, struct trace_record *out)
{
	const struct trace_cpu *trace = &percpu(cpu)->trace;
	const struct trace_record *record = &trace->ring[number & place_mask];

	if (__atomic_load_n(&record->number, __ATOMIC_ACQUIRE) != number + 1)
		return false;
	*out = *record;
	barrier();
	return READ_ONCE(record->number) == number + 1;
}
