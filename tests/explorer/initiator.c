/* SPDX-License-Identifier: MIT */
/*
 * A housekeeping CPU that purges, in the order of mm/tlbflush.c and arch/x86_64/smp_call.c: clear
 * the PTE, take the number, ask the policy about each CPU, or once about all of them, interrupt who
 * needs it, flush, wait.
 */
#include "tests/explorer/actors.h"

#include <stdlib.h>

#include "tests/explorer/hook.h"
#include "tests/explorer/machine.h"

bool is_asked_about(const struct state *s, unsigned int cpu)
{
	for (u32 i = 0; i < bounds_now->initiators; i++) {
		const struct frame *f = &s->cpus[i].frames[0];

		if (f->at == INIT_BEGIN || f->at == INIT_TARGETS ||
		    (f->at == INIT_ASK && f->arg == cpu))
			return true;
	}
	return false;
}

static bool asks_policy(const struct state *s, const struct frame *f)
{
	return s->purges[f->purge].kind != PURGE_TABLE || bounds_now->tables_deferred;
}

/* The target has not moved since it was asked about, and its word can be seen by everyone. */
static bool is_quiet(const struct cpu_state *c)
{
	return c->nr_frames == 1 && c->frames[0].kind == FRAME_TARGET &&
	       c->frames[0].at == TARGET_RING3 && !c->nr_buffered;
}

void target_moves(struct state *s, unsigned int cpu)
{
	for (u32 i = 0; i < bounds_now->initiators; i++) {
		struct frame *f = &s->cpus[i].frames[0];

		f->flags &= (u8) ~(QUIET_CPU << cpu);
		if (f->arg == cpu)
			f->flags &= (u8)~QUIET;
	}
}

static void ask(struct state *s, unsigned int cpu, struct frame *f)
{
	if (f->arg == cpu)
		note(s, cpu, "asks the policy about itself");
	else
		note(s, cpu, "asks the policy about CPU %u", f->arg);
	f->flags &= (u8)~QUIET;
	initiator_looks(s, f);
	start_hook(f, HOOK_NEED_IPI, INIT_ASK);
}

void initiator_looks(const struct state *s, struct frame *f)
{
	if (is_quiet(&s->cpus[f->arg]))
		f->flags |= QUIET;
}

static void request(struct state *s, unsigned int cpu, struct frame *f);

/* The CPUs in order, the own one last (on_each_cpu_cond()); ARG is the one that is done. */
static void next_cpu(struct state *s, unsigned int cpu, struct frame *f, bool first)
{
	u8 next = first ? 0 : f->arg + 1;

	if (!first && f->arg == cpu)
		next = (u8)nr_model_cpus();
	else if (next == cpu)
		next++;
	if (next < nr_model_cpus()) {
		f->arg = next;
	} else if (first || f->arg != cpu) {
		f->arg = (u8)cpu;
	} else {
		f->at = f->flags & SELF_NEEDS ? INIT_LOCAL : INIT_WAIT;
		return;
	}
	if (asks_policy(s, f))
		ask(s, cpu, f);
	else
		request(s, cpu, f);
}

/* The same by on_cpus(): those of the mask, the own one last. */
static void next_of_mask(struct state *s, unsigned int cpu, struct frame *f)
{
	u64 others = f->saved & ~BIT(cpu);

	if (others) {
		f->arg = (u8)__builtin_ctzl(others);
		f->saved &= ~BIT(f->arg);
		request(s, cpu, f);
		return;
	}
	f->at = f->saved ? INIT_LOCAL : INIT_WAIT;
	f->saved = 0;
	f->flags &= (u8)~BY_MASK;
}

/* One CMPXCHG pushes the item: the buffer has to be empty. */
static void request(struct state *s, unsigned int cpu, struct frame *f)
{
	if (f->arg == cpu) {
		f->flags |= SELF_NEEDS;
		next_cpu(s, cpu, f, false);
		return;
	}
	f->at = INIT_REQUEST;
	if (s->cpus[cpu].nr_buffered)
		return;
	s->cpus[f->arg].queue |= (u8)BIT(f->purge);
	s->purges[f->purge].waiting |= (u8)BIT(f->arg);
	note(s, cpu, "sends CPU %u the flush IPI", f->arg);
	if (f->flags & BY_MASK)
		next_of_mask(s, cpu, f);
	else
		next_cpu(s, cpu, f, false);
}

/* Work for C may have been recorded. */
static void record(struct cpu_state *c)
{
	c->recorded = true;
	if (c->nr_frames > 1 || c->frames[0].hook == HOOK_ENTER)
		c->recorded_late = true;
}

static void answered(struct state *s, unsigned int cpu, struct frame *f, bool ipi)
{
	if (f->arg != cpu)
		note(s, cpu, ipi ? "answer: CPU %u needs the IPI" : "answer: CPU %u is deferred",
		     f->arg);
	oracle_answered(s, cpu, ipi);
	if (ipi) {
		request(s, cpu, f);
		return;
	}
	record(&s->cpus[f->arg]);
	next_cpu(s, cpu, f, false);
}

static void ask_about_all(struct state *s, unsigned int cpu, struct frame *f)
{
	if (!ask_by_targets || !asks_policy(s, f) || !hook_exists(HOOK_TARGETS)) {
		next_cpu(s, cpu, f, true);
		return;
	}
	note(s, cpu, "asks the policy about all CPUs");
	for (u32 i = 0; i < nr_model_cpus(); i++)
		if (is_quiet(&s->cpus[i]))
			f->flags |= (u8)(QUIET_CPU << i);
	start_hook(f, HOOK_TARGETS, INIT_TARGETS);
}

static void answered_about_all(struct state *s, unsigned int cpu, struct frame *f, u64 mask)
{
	for (u8 i = 0; i < nr_model_cpus(); i++) {
		bool ipi = mask >> i & 1;

		f->arg = i;
		f->flags &= (u8)~QUIET;
		if (f->flags & QUIET_CPU << i)
			f->flags |= QUIET;
		f->flags &= (u8) ~(QUIET_CPU << i);
		if (i != cpu)
			note(s, cpu,
			     ipi ? "answer: CPU %u needs the IPI" : "answer: CPU %u is deferred",
			     i);
		oracle_answered(s, cpu, ipi);
		if (!ipi)
			record(&s->cpus[i]);
	}
	f->saved = mask;
	f->flags |= BY_MASK;
	next_of_mask(s, cpu, f);
}

void initiator_purge(struct state *s, unsigned int cpu, struct frame *f, enum purge_kind kind)
{
	static const char *const what[] = {"of one page", "of everything", "of a page table"};

	s->purges[f->purge].kind = (u8)kind;
	buffer_pte_clear(s, cpu, f->purge);
	f->at = INIT_ISSUE;
	f->flags = 0;
	note(s, cpu, "purge %u, %s: clears the PTE (in its store buffer)", f->purge + 1,
	     what[kind]);
}

static void issue(struct state *s, unsigned int cpu, struct frame *f)
{
	s->purges[f->purge].generation = ++s->nr_issued;
	s->issued |= (u8)BIT(f->purge);
	note(s, cpu, "purge %u gets its number (LOCKed)", f->purge + 1);
	if (asks_policy(s, f) && hook_exists(HOOK_BEGIN))
		start_hook(f, HOOK_BEGIN, INIT_BEGIN);
	else
		ask_about_all(s, cpu, f);
}

static void began(struct state *s, unsigned int cpu, struct frame *f, u64 ticket)
{
	s->purges[f->purge].ticket = ticket;
	for (u32 i = 0; i < nr_model_cpus(); i++)
		record(&s->cpus[i]);
	ask_about_all(s, cpu, f);
}

static void next_lag(struct state *s, unsigned int cpu, struct frame *f, bool first)
{
	f->arg = first ? 0 : f->arg + 1;
	if (f->arg < nr_model_cpus()) {
		start_hook(f, HOOK_LAGS, INIT_LAGS);
		return;
	}
	if (!(f->flags & SOMEONE_LAGS)) {
		s->released |= (u8)BIT(f->purge);
		note(s, cpu, "purge %u: nobody lags, its addresses are free", f->purge + 1);
	}
	f->purge++;
	f->at = INIT_NEXT;
}

static void complete(struct state *s, unsigned int cpu, struct frame *f)
{
	s->completed |= (u8)BIT(f->purge);
	note(s, cpu, "purge %u is over: its addresses may be used anew", f->purge + 1);
	if (hook_exists(HOOK_LAGS)) {
		next_lag(s, cpu, f, true);
		return;
	}
	s->released |= (u8)BIT(f->purge);
	f->purge++;
	f->at = INIT_NEXT;
}

static void flush_locally(struct state *s, unsigned int cpu, struct frame *f)
{
	tlb_flush_for(s, cpu, f->purge);
	note(s, cpu, "flushes its own TLB for purge %u", f->purge + 1);
	if (hook_exists(HOOK_FLUSHED))
		start_hook(f, HOOK_FLUSHED, INIT_LOCAL_FLUSHED);
	else
		f->at = INIT_WAIT;
}

void initiator_step(struct state *s, unsigned int cpu, struct frame *f)
{
	switch (f->at) {
	case INIT_ISSUE:
		issue(s, cpu, f);
		break;
	case INIT_REQUEST:
		request(s, cpu, f);
		break;
	case INIT_LOCAL:
		flush_locally(s, cpu, f);
		break;
	case INIT_WAIT:
		complete(s, cpu, f);
		break;
	default:
		abort();
	}
}

void initiator_hook_ended(struct state *s, unsigned int cpu, struct frame *f, enum hook hook,
			  u64 value)
{
	switch (hook) {
	case HOOK_BEGIN:
		began(s, cpu, f, value);
		break;
	case HOOK_NEED_IPI:
		answered(s, cpu, f, value);
		break;
	case HOOK_TARGETS:
		answered_about_all(s, cpu, f, value);
		break;
	case HOOK_FLUSHED:
		f->at = INIT_WAIT;
		break;
	case HOOK_LAGS:
		if (value)
			f->flags |= SOMEONE_LAGS;
		next_lag(s, cpu, f, false);
		break;
	default:
		abort();
	}
}
