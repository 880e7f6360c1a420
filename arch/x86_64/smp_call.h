/* SPDX-License-Identifier: MIT */
/*
 * Cross-calls: run a function on other CPUs and wait until they have. After Linux's
 * smp_call_function_many_cond(): the condition is asked once for every online CPU, the caller's
 * own among them; a CPU it refuses gets nothing and is not waited for; the caller's own call runs
 * locally; all others are waited for before the return.
 *
 * An interrupt is sent only to a CPU whose queue was empty, and a CPU takes its whole queue at each
 * interrupt, once. Hence, exactly: callbacks run = requests, interrupts sent = interrupts taken,
 * interrupts + coalesced = callbacks.
 *
 * Context of the callers: interrupts on (two CPUs that call each other must answer), no interrupt
 * handler. Callbacks run with interrupts off and must neither wait nor call.
 */
#pragma once

#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/types.h"

typedef void (*smp_call_func_t)(void *info);
typedef bool (*smp_cond_func_t)(unsigned int cpu, void *info);

/* What a callback is for; flushes are what this project counts. */
enum call_kind { CALL_FLUSH, CALL_OTHER, CALL_KINDS };

/* The sender's own counts, one set a target; nobody else writes them. */
struct call_stats {
	u64 requests[CALL_KINDS];
	u64 ipis[CALL_KINDS];
	u64 coalesced[CALL_KINDS];
	/* What the flush code saw when it asked the policy about this target (mm/tlbflush.c). */
	u64 questions; /* counted before the policy is asked */
	u64 answers;   /* counted when it has answered */
	u64 deferred;
	u64 raced;
	u64 deferrable;
	u64 forced; /* it lagged behind a purge for too long (flush_tlb_laggards()) */
};

/* How long a cross-call waits for its answers before it panics; an emulated CPU shares its core. */
#define SMP_CALL_LIMIT_MS 60000
extern u64 smp_call_limit_ms;

/*
 * What a sender does when everybody has been asked: waits for the answers. A function of its own,
 * since the sweep follows a purge up to here. Sender, interrupts on.
 */
void smp_call_wait_for(const struct cpumask *mask, smp_call_func_t func);

void on_each_cpu(enum call_kind kind, smp_call_func_t func, void *info);
void on_each_cpu_cond(enum call_kind kind, smp_cond_func_t cond, smp_call_func_t func, void *info);

/* On the CPUs of MASK, online ones, the caller's own among them or not. */
void on_cpus(enum call_kind kind, const struct cpumask *mask, smp_call_func_t func, void *info);

/*
 * Waits until CPU has answered this CPU's request: false after DEADLINE. A function of its own so
 * that who counts instructions can tell waiting from work (insn_count.asm).
 */
bool smp_call_await(unsigned int cpu, u64 deadline);

/* On one CPU, which may be the caller's. */
void smp_call_function_single(unsigned int cpu, enum call_kind kind, smp_call_func_t func,
			      void *info);

/*
 * Runs FUNC on the calling CPU while every other CPU waits in a callback with interrupts off:
 * nobody is in ring 3 nor between a door and its handler meanwhile.
 */
void stop_cpus(smp_call_func_t func, void *info);

/*
 * Takes this CPU's queue and runs it. True if the interrupt was sent for a flush.
 * VECTOR_CALL_FUNCTION only.
 */
bool smp_call_run_queue(void);

/*
 * NULL, or called before a flush IPI is sent to TARGET, which has the request in its queue already.
 * The sender's context, see above. Written while no CPU sends.
 */
typedef void (*flush_ipi_hook_t)(unsigned int target);
extern flush_ipi_hook_t flush_ipi_hook;

/* Makes CPU's call items and statistics. False when memory is short. Boot CPU, before it runs. */
bool smp_call_init_cpu(unsigned int cpu);
