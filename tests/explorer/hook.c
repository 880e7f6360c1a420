/* SPDX-License-Identifier: MIT */
/*
 * Hooks run by their history, see hook.h. A run that reaches its pending operation is left by a
 * long jump out of the policy's code, which has no effects of its own: all it does goes through
 * op_*(), and its locals are made anew by the next run.
 */
#include "tests/explorer/hook.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/layout.h"
#include "mm/tlbflush.h"
#include "tests/explorer/explorer.h"
#include "tests/explorer/uses.h"

/* What the policies' files refer to outside ops.h. */
u32 tlb_single_page_flush_ceiling = 33;
u32 flush_detours;
struct cpumask isolated_cpus;
struct cpu_features cpu_features = {.pge = true, .pcid = true, .invpcid = true, .invlpgb = true};

static struct {
	u8 shared[CACHE_LINE] __aligned(CACHE_LINE);
	u8 own[CACHE_LINE] __aligned(CACHE_LINE);
} words[MAX_MODEL_CPUS];

/* The linker's bounds of the policies' global words. There is one at least. */
extern u8 __start_policy_globals[], __stop_policy_globals[];

static const struct flush_policy *policy;
static const struct door_ops *root_doors;

/* Words in use, 8 bytes each, in the order in which they were first touched. */
static struct {
	u64 *addr[MAX_CELLS];
	u64 initial[MAX_CELLS];
	u8 nr;
} cells;

static struct {
	enum { IDLE, REPLAYING, AT_ONCE } mode;
	unsigned int cpu;
	const u64 *history;
	u32 nr_history, next;
	jmp_buf out;
	struct op pending;
} run;

/*
 * A hook that loops without an operation cannot be seen by its history. So a run of a hook, some
 * microseconds, may not last from one tick of the process's own CPU time to the next but one.
 */
#define TICK_SECONDS 2
static volatile u64 nr_runs;

static void tick(int number)
{
	static u64 runs_then;

	(void)number;
	if (run.mode == REPLAYING && nr_runs == runs_then)
		explorer_fail("%s: a hook does not end, and carries out no operation",
			      policy->name);
	runs_then = nr_runs;
}

static void watch_runs(void)
{
	struct timeval period = {.tv_sec = TICK_SECONDS};

	signal(SIGVTALRM, tick);
	setitimer(ITIMER_VIRTUAL, &(struct itimerval){period, period}, NULL);
}

void hook_select(const struct flush_policy *selected, bool two_roots)
{
	policy = selected;
	root_doors = two_roots ? &selected->doors_two : &selected->doors;
	cells.nr = 0;
	uses_forget();
	watch_runs();
}

const struct flush_policy *hook_policy(void)
{
	return policy;
}

bool hook_exists(enum hook hook)
{
	return !(hook == HOOK_BEGIN && !policy->begin) &&
	       !(hook == HOOK_TARGETS && !policy->targets) &&
	       !(hook == HOOK_FLUSHED && !policy->flushed) && !(hook == HOOK_LAGS && !policy->lags);
}

/* --- The policy's side --------------------------------------------------------------------------
 */

unsigned int op_this_cpu(void)
{
	return run.cpu;
}

void *op_shared_words(unsigned int cpu)
{
	return words[cpu].shared;
}

void *op_own_words(unsigned int cpu)
{
	return words[cpu].own;
}

static u64 load(const void *addr, u64 size)
{
	u64 value = 0;

	memcpy(&value, addr, size); /* little-endian, as the machine that is modelled */
	return value;
}

/* Outside the exploration: reset(), and the exit that puts a target into ring 3. */
static u64 carry_out(const struct op *op)
{
	u64 old, new;

	if (op->kind > OP_CMPXCHG)
		return op->kind == OP_DRAIN;
	old = load(op->addr, op->size);
	new = op_result(op, old);
	if (op->kind == OP_LOAD || (op->kind == OP_CMPXCHG && old != op->expected))
		return old;
	memcpy(op->addr, &new, op->size);
	return old;
}

static u64 do_op(const struct op *op)
{
	if (run.mode != REPLAYING)
		return carry_out(op);
	if (run.next < run.nr_history)
		return run.history[run.next++];
	run.pending = *op;
	longjmp(run.out, 1);
}

u64 op_word(enum op_kind kind, const struct site *site, void *addr, u64 size, u64 value,
	    u64 expected)
{
	const u64 mask = size < 8 ? BIT(8 * size) - 1 : ~0UL;

	return do_op(&(struct op){kind, site, addr, size, value & mask, expected & mask});
}

u64 op_plain(enum op_kind kind, const struct site *site, u64 value)
{
	return do_op(&(struct op){.kind = kind, .site = site, .value = value});
}

void op_flush_all(const struct site *site)
{
	op_plain(OP_FLUSH_ALL, site, 0);
}

bool op_drain(const struct site *site)
{
	return op_plain(OP_DRAIN, site, 0);
}

/* The purge's number is what the kernel books it as; here the pages themselves count. */
void op_flush_range(const struct site *site, u64 start, u64 end, u64 generation)
{
	(void)generation;
	for (u64 addr = start; addr < end; addr += PAGE_SIZE)
		do_op(&(struct op){.kind = OP_INVLPG, .site = site, .addr = (void *)addr});
}

/* What takes the address of one, as context_tracking.h does, gets these. */
static const struct site by_address = {"mm/policy/context_tracking.h", 0, "everything"};
static const struct site drain_by_address = {"mm/policy/context_tracking.h", 0, "drain"};

void __flush_tlb_all(void)
{
	op_flush_all(&by_address);
}

void drain_all_local(void)
{
	if (op_drain(&drain_by_address))
		op_flush_all(&by_address);
}

/* --- The model's side ---------------------------------------------------------------------------
 */

static struct flush_range range_of(const struct state *s, u8 purge, unsigned int initiator)
{
	const struct purge_state *p = &s->purges[purge];
	u64 start = VMALLOC_START + purge * PAGE_SIZE;

	return (struct flush_range){
		.start = p->kind == PURGE_RANGED ? start : VMALLOC_START,
		.end = p->kind == PURGE_RANGED ? start + PAGE_SIZE : TLB_FLUSH_ALL,
		.initiator = initiator,
		.full = p->kind != PURGE_RANGED,
		.generation = p->generation,
		.ticket = p->ticket,
	};
}

static u64 call(const struct state *s, unsigned int cpu, const struct frame *f)
{
	struct flush_range range;
	struct cpumask mask;

	switch ((enum hook)f->hook) {
	case HOOK_BEGIN:
		range = range_of(s, f->purge, cpu);
		return policy->begin(&range);
	case HOOK_NEED_IPI:
		range = range_of(s, f->purge, cpu);
		return policy->need_ipi(f->arg, &range);
	case HOOK_TARGETS:
		range = range_of(s, f->purge, cpu);
		mask = (struct cpumask){0};
		policy->targets(&range, &mask);
		return mask.bits[0];
	case HOOK_FLUSHED:
		range = range_of(s, f->purge, initiator_of(f->purge));
		policy->flushed(&range);
		return 0;
	case HOOK_LAGS:
		return policy->lags(f->arg, s->purges[f->purge].generation);
	case HOOK_ENTER:
		root_doors->enter();
		return 0;
	case HOOK_EXIT:
		root_doors->exit();
		return 0;
	case HOOK_NMI_ENTER:
		return root_doors->nmi_enter();
	case HOOK_NMI_EXIT:
		root_doors->nmi_exit(f->saved);
		return 0;
	case HOOK_NONE:
	case HOOKS:
		break;
	}
	abort();
}

struct hook_run hook_run(const struct state *s, unsigned int cpu, const struct frame *f)
{
	struct hook_run result = {0};

	nr_runs++;
	run.mode = REPLAYING;
	run.cpu = cpu;
	run.history = f->history;
	run.nr_history = f->nr_history;
	run.next = 0;
	if (_setjmp(run.out) == 0) {
		result.value = call(s, cpu, f);
		result.ended = true;
	} else {
		result.op = run.pending;
	}
	run.mode = IDLE;
	return result;
}

bool hook_op(const struct state *s, unsigned int cpu, const struct frame *f, u32 i, struct op *op)
{
	struct frame shorter = *f;
	struct hook_run result;

	if (i >= f->nr_history)
		return false;
	shorter.nr_history = (u8)i;
	result = hook_run(s, cpu, &shorter);
	*op = result.op;
	return !result.ended;
}

void hook_reset_words(u32 nr_cpus)
{
	memset(&isolated_cpus, 0, sizeof(isolated_cpus));
	for (u32 cpu = 0; cpu < nr_cpus; cpu++)
		if (is_target(cpu))
			cpumask_set(&isolated_cpus, cpu);
	memset(words, 0, sizeof(words));
	memset(__start_policy_globals, 0, (size_t)(__stop_policy_globals - __start_policy_globals));
	for (u32 cpu = 0; cpu < nr_cpus; cpu++)
		policy->reset(cpu);
}

void hook_exit_at_once(unsigned int cpu)
{
	run.mode = AT_ONCE;
	run.cpu = cpu;
	root_doors->exit();
	run.mode = IDLE;
}

const char *hook_name(enum hook hook)
{
	static const char *const names[HOOKS] = {"",	      "begin",	 "need_ipi", "targets",
						 "flushed",   "lags",	 "enter",    "exit",
						 "nmi_enter", "nmi_exit"};

	return names[hook];
}

/* --- Cells --------------------------------------------------------------------------------------
 */

static bool within(const void *addr, const void *start, size_t size)
{
	return (u64)addr - (u64)start < size;
}

u8 cell_owner(const void *addr, bool *shared)
{
	*shared = true;
	for (u8 cpu = 0; cpu < MAX_MODEL_CPUS; cpu++) {
		if (within(addr, words[cpu].shared, CACHE_LINE))
			return cpu;
		if (within(addr, words[cpu].own, CACHE_LINE)) {
			*shared = false;
			return cpu;
		}
	}
	if (within(addr, __start_policy_globals,
		   (size_t)(__stop_policy_globals - __start_policy_globals)))
		return CELL_GLOBAL;
	explorer_fail("%s touches an address that is none of its words", policy->name);
}

u8 cell_of(const void *addr)
{
	u64 *at = (u64 *)((u64)addr & ~7UL);
	bool shared;

	for (u8 i = 0; i < cells.nr; i++)
		if (cells.addr[i] == at)
			return i;
	cell_owner(addr, &shared);
	if (cells.nr == MAX_CELLS)
		explorer_fail("%s has more than %d words of 8 bytes in use", policy->name,
			      MAX_CELLS);
	cells.addr[cells.nr] = at;
	cells.initial[cells.nr] = *at;
	return cells.nr++;
}

const void *cell_address(u8 cell)
{
	return cells.addr[cell];
}

u64 cell_initial(u8 cell)
{
	return cells.initial[cell];
}

/* Asked by `targets` of struct flush_policy. */
unsigned int nr_online_cpus(void)
{
	return nr_model_cpus();
}
