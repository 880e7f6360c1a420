/* SPDX-License-Identifier: MIT */
/*
 * Cross-calls, see smp_call.h.
 *
 * One item a (sender, target) pair suffices, since a sender waits for all its items before it
 * calls again. An item is the sender's until it is pushed (CMPXCHG on the target's queue, which
 * also orders the fields before it), then the target's until `pending` is cleared by a release
 * store: what the callback did is visible to the sender that sees it clear.
 */
#include "arch/x86_64/smp_call.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/breaks.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/direct_map.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/spinlock.h"
#include "arch/x86_64/trace.h"
#include "arch/x86_64/tsc.h"

flush_ipi_hook_t flush_ipi_hook;

struct call_item {
	struct call_item *next;
	smp_call_func_t func;
	void *info;
	u32 kind;
	u32 pending;
};

u64 smp_call_limit_ms = SMP_CALL_LIMIT_MS;

/* An answer names at most this many CPUs one by one. */
#define CALL_LIMIT_NAMES 8

static void *alloc_array(size_t bytes)
{
	phys_addr_t first = boot_alloc_frames(ALIGN_UP(bytes, PAGE_SIZE) / PAGE_SIZE);

	return first ? phys_to_virt(first) : NULL;
}

bool smp_call_init_cpu(unsigned int cpu)
{
	struct percpu *block = percpu(cpu);

	block->call_items = alloc_array(MAX_CPUS * sizeof(struct call_item));
	block->call_stats = alloc_array(MAX_CPUS * sizeof(struct call_stats));
	return block->call_items && block->call_stats;
}

/* True if the queue was empty: nobody has sent for these items yet. */
static bool push(struct percpu *target, struct call_item *item)
{
	struct call_item *head = __atomic_load_n(&target->call_queue, __ATOMIC_RELAXED);

	do {
		item->next = head;
	} while (!__atomic_compare_exchange_n(&target->call_queue, &head, item, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return head == NULL;
}

static void request(unsigned int cpu, enum call_kind kind, smp_call_func_t func, void *info)
{
	struct percpu *self = this_cpu();
	struct call_item *item = &self->call_items[cpu];
	struct call_stats *stats = &self->call_stats[cpu];
	bool sent;

	BUG_ON(item->pending);
	item->func = func;
	item->info = info;
	item->kind = kind;
	item->pending = 1;
	stats->requests[kind]++;
	sent = push(percpu(cpu), item);
	if (trace_on(TRACE_G_IPI))
		trace_write(TRACE_IPI, cpu, kind == CALL_FLUSH, sent, 0, 0);
	if (sent) {
		stats->ipis[kind]++;
		if (unlikely(flush_ipi_hook) && kind == CALL_FLUSH)
			flush_ipi_hook(cpu);
		apic_send_ipi(percpu(cpu)->apic_id, VECTOR_CALL_FUNCTION);
	} else {
		stats->coalesced[kind]++;
	}
}

static bool answered(unsigned int cpu)
{
	return !__atomic_load_n(&this_cpu()->call_items[cpu].pending, __ATOMIC_ACQUIRE);
}

noinline bool smp_call_await(unsigned int cpu, u64 deadline)
{
	while (!answered(cpu)) {
		if (tsc_passed(deadline))
			return false;
		cpu_relax();
	}
	return true;
}

noinline void smp_call_wait_for(const struct cpumask *mask, smp_call_func_t func)
{
	u64 deadline = tsc_deadline(smp_call_limit_ms);
	unsigned int named = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(mask->bits); i++) {
		for (u64 rest = mask->bits[i]; rest; rest &= rest - 1)
			if (!smp_call_await(i * 64 + (unsigned int)__builtin_ctzl(rest), deadline))
				goto late;
	}
	return;
late:
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		if (cpumask_test(mask, cpu) && !answered(cpu) && named++ < CALL_LIMIT_NAMES)
			pr_err("cross-call: CPU %u has not answered\n", cpu);
	}
	panic("cross-call of %p: %u CPUs have not answered within %lu s", (void *)(u64)func, named,
	      smp_call_limit_ms / 1000);
}

static bool always(unsigned int cpu, void *info)
{
	(void)cpu;
	(void)info;
	return true;
}

static void call_local(smp_call_func_t func, void *info)
{
	u64 flags = local_irq_save();

	func(info);
	local_irq_restore(flags);
}

void on_each_cpu_cond(enum call_kind kind, smp_cond_func_t cond, smp_call_func_t func, void *info)
{
	unsigned int self = this_cpu_number();
	struct cpumask asked = {0};

	BUG_ON(irqs_disabled());
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		if (cpu == self || !cond(cpu, info))
			continue;
		cpumask_set(&asked, cpu);
		request(cpu, kind, func, info);
	}
	if (cond(self, info))
		call_local(func, info);
	smp_call_wait_for(&asked, func);
}

void on_cpus(enum call_kind kind, const struct cpumask *mask, smp_call_func_t func, void *info)
{
	unsigned int self = this_cpu_number();
	struct cpumask asked = *mask;

	BUG_ON(irqs_disabled());
	cpumask_clear(&asked, self);
	for (unsigned int i = 0; i < ARRAY_SIZE(asked.bits); i++)
		for (u64 rest = asked.bits[i]; rest; rest &= rest - 1)
			request(i * 64 + (unsigned int)__builtin_ctzl(rest), kind, func, info);
	if (cpumask_test(mask, self))
		call_local(func, info);
	smp_call_wait_for(&asked, func);
}

void on_each_cpu(enum call_kind kind, smp_call_func_t func, void *info)
{
	on_each_cpu_cond(kind, always, func, info);
}

void smp_call_function_single(unsigned int cpu, enum call_kind kind, smp_call_func_t func,
			      void *info)
{
	struct cpumask asked = {0};

	BUG_ON(irqs_disabled());
	if (cpu == this_cpu_number()) {
		call_local(func, info);
		return;
	}
	cpumask_set(&asked, cpu);
	request(cpu, kind, func, info);
	smp_call_wait_for(&asked, func);
}

/* break=undercount: a CPU counts this many flush callbacks and takes the rest for others. */
#define UNDERCOUNT_AFTER 100

bool smp_call_run_queue(void)
{
	struct percpu *self = this_cpu();
	struct irq_counters *irqs = &self->irqs;
	struct call_item *item = __atomic_exchange_n(&self->call_queue, NULL, __ATOMIC_SEQ_CST);
	u64 callbacks[CALL_KINDS] = {0};
	bool flush = false;

	/*
	 * Counted before the first answer: a sender that has it may read the counts at once. The
	 * last of the list was pushed first, on an empty queue: the interrupt was sent for it, and
	 * it is booked as what that one is.
	 */
	for (const struct call_item *i = item; i; i = i->next) {
		flush = i->kind == CALL_FLUSH;
		callbacks[i->kind]++;
		if (i->kind != CALL_FLUSH ||
		    ((broken & BREAK_UNDERCOUNT) && irqs->flush_callbacks >= UNDERCOUNT_AFTER))
			irqs->other_callbacks++;
		else
			irqs->flush_callbacks++;
	}
	if (flush)
		irqs->flush_ipis++;
	else
		irqs->other_ipis++;
	if (trace_on(TRACE_G_IPI))
		trace_write(TRACE_IPI_IN, 0, flush, callbacks[CALL_FLUSH], callbacks[CALL_OTHER],
			    0);
	while (item) {
		/* The sender may use the item again as soon as it is answered. */
		struct call_item *next = item->next;

		item->func(item->info);
		__atomic_store_n(&item->pending, 0, __ATOMIC_RELEASE);
		item = next;
	}
	if (trace_on(TRACE_G_IPI))
		trace_write(TRACE_IPI_OUT, 0, flush, 0, 0, 0);
	return flush;
}

struct rendezvous {
	smp_call_func_t func;
	void *info;
	unsigned int leader;
	unsigned int parked;
	bool released;
};

static void park(void *arg)
{
	struct rendezvous *r = arg;
	u64 deadline = tsc_deadline(smp_call_limit_ms);

	if (this_cpu_number() == r->leader) {
		while (__atomic_load_n(&r->parked, __ATOMIC_ACQUIRE) < nr_online_cpus() - 1) {
			if (tsc_passed(deadline))
				panic("stop_cpus: %u of %u other CPUs stopped within %lu s",
				      r->parked, nr_online_cpus() - 1, smp_call_limit_ms / 1000);
			cpu_relax();
		}
		r->func(r->info);
		__atomic_store_n(&r->released, true, __ATOMIC_RELEASE);
		return;
	}
	__atomic_add_fetch(&r->parked, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&r->released, __ATOMIC_ACQUIRE)) {
		if (tsc_passed(deadline))
			panic("stop_cpus: CPU %u did not release the others within %lu s",
			      r->leader, smp_call_limit_ms / 1000);
		cpu_relax();
	}
}

static spinlock_t stop_lock;

void stop_cpus(smp_call_func_t func, void *info)
{
	struct rendezvous r = {.func = func, .info = info, .leader = this_cpu_number()};

	/* Two leaders would wait for each other; who waits for the lock can still be parked. */
	spin_lock(&stop_lock);
	on_each_cpu(CALL_OTHER, park, &r);
	spin_unlock(&stop_lock);
}
