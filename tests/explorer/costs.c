/* SPDX-License-Identifier: MIT */
/*
 * Costs, see costs.h. Each run of a hook that ends is a sample. Kept are the least and the most of
 * each kind, their sum (which says something where no state is left out as seen before: in bounds
 * that are sequential), and the set of all different runs as a hash: two policies with the same set
 * do the same operations on the same words with the same answers, which is how a mutant is found to
 * be equivalent.
 */
#include "tests/explorer/costs.h"

#include <stdlib.h>
#include <string.h>

#include "tests/explorer/hook.h"
#include "tests/explorer/model.h"

/* What is told apart. A line is remote if it is another CPU's, or everybody's. */
enum cost {
	COST_LOADS,
	COST_STORES,
	COST_LOCKED,
	COST_CR3,
	COST_FLUSH_ALL,
	COST_FLUSH_PAGE,
	COST_REMOTE_LINES,
	COST_SHARED_LINES, /* written by their own CPU, but initiators use them, too */
	COSTS,
};

static const char *const cost_names[COSTS] = {"loads",	      "stores",	     "locked",
					      "cr3",	      "flush_all",   "flush_page",
					      "remote_lines", "shared_lines"};

static struct {
	u64 runs;
	u64 least[COSTS], most[COSTS], total[COSTS];
	u64 kinds; /* sum of the hashes of all different runs */
} costs[HOOKS];

/* Hashes of the different runs: hooks are short, there are few. */
#define MAX_KINDS (1 << 16)
static u64 kinds[MAX_KINDS];

static bool is_new(u64 key)
{
	u64 i = key & (MAX_KINDS - 1);
	u32 looks = 0;

	key |= 1;
	while (kinds[i] && kinds[i] != key) {
		i = (i + 1) & (MAX_KINDS - 1);
		if (++looks == MAX_KINDS)
			explorer_fail("more than %d different runs of a hook", MAX_KINDS);
	}
	if (kinds[i])
		return false;
	kinds[i] = key;
	return true;
}

static u64 mix(u64 h, u64 value)
{
	h = (h ^ value) * 0xff51afd7ed558ccdUL;
	return h ^ h >> 33;
}

static u32 kind_of(const struct op *op)
{
	switch (op->kind) {
	case OP_LOAD:
	case OP_READ_ISSUED:
	case OP_READ_ROOT:
		return COST_LOADS;
	case OP_STORE:
		return COST_STORES;
	case OP_XCHG:
	case OP_ADD:
	case OP_AND:
	case OP_OR:
	case OP_CMPXCHG:
		return COST_LOCKED;
	case OP_SWITCH_NOFLUSH:
	case OP_SWITCH_FLUSH:
	case OP_WRITE_CR3:
		return COST_CR3;
	case OP_FLUSH_ALL:
	case OP_INVLPGB:
		return COST_FLUSH_ALL;
	case OP_INVLPG:
		return COST_FLUSH_PAGE;
	default:
		return COSTS;
	}
}

/* A set of lines: two a CPU, and the global words as one. */
static u32 line_bit(unsigned int cpu, const struct op *op, bool *remote)
{
	bool shared;
	u8 owner;

	if (op->kind == OP_LOAD || op->kind > OP_CMPXCHG)
		return 0;
	owner = cell_owner(op->addr, &shared);
	*remote = owner != cpu;
	if (owner == CELL_GLOBAL)
		return BIT(2 * MAX_MODEL_CPUS);
	return (u32)BIT(2 * owner + shared);
}

static void sample(const struct state *s, unsigned int cpu, const struct frame *f)
{
	u64 n[COSTS] = {0};
	u64 key = mix(f->hook, f->arg == cpu);
	u32 remote = 0, shared = 0;
	struct op op;

	for (u32 i = 0; hook_op(s, cpu, f, i, &op); i++) {
		bool is_remote = false;
		u32 line = line_bit(cpu, &op, &is_remote);
		u32 kind = kind_of(&op);

		if (kind < COSTS)
			n[kind]++;
		if (is_remote)
			remote |= line;
		else
			shared |= line;
		key = mix(key, op.kind);
		if (op.kind <= OP_CMPXCHG)
			key = mix(key, cell_of(op.addr));
		key = mix(key, op.kind == OP_INVLPG ? (u64)op.addr : op.value);
	}
	key = mix(key, hook_run(s, cpu, f).value);
	n[COST_REMOTE_LINES] = (u64)__builtin_popcount(remote);
	n[COST_SHARED_LINES] = (u64)__builtin_popcount(shared);
	for (u32 i = 0; i < COSTS; i++) {
		if (!costs[f->hook].runs || n[i] < costs[f->hook].least[i])
			costs[f->hook].least[i] = n[i];
		if (n[i] > costs[f->hook].most[i])
			costs[f->hook].most[i] = n[i];
		costs[f->hook].total[i] += n[i];
	}
	costs[f->hook].runs++;
	if (is_new(key))
		costs[f->hook].kinds += key;
}

void costs_begin(void)
{
	memset(costs, 0, sizeof(costs));
	memset(kinds, 0, sizeof(kinds));
	model_hook_ended = sample;
}

void costs_end(FILE *out)
{
	bool first = true;

	model_hook_ended = NULL;
	if (!out)
		return;
	fputc('{', out);
	for (u32 hook = HOOK_BEGIN; hook < HOOKS; hook++) {
		if (!costs[hook].runs)
			continue;
		fprintf(out, "%s\n    \"%s\": {\"runs\": %lu, \"kinds\": \"%016lx\"",
			first ? "" : ",", hook_name(hook), costs[hook].runs, costs[hook].kinds);
		for (u32 i = 0; i < COSTS; i++)
			fprintf(out, ", \"%s\": [%lu, %lu, %lu]", cost_names[i],
				costs[hook].least[i], costs[hook].most[i], costs[hook].total[i]);
		fputc('}', out);
		first = false;
	}
	fputc('}', out);
}
