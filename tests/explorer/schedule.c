/* SPDX-License-Identifier: MIT */
/*
 * Schedules carried out again and told, see schedule.h. The same code that explored carries them
 * out, so what is told is what happened.
 */
#include "tests/explorer/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "tests/explorer/actors.h"
#include "tests/explorer/hook.h"

static const char verb_letters[VERBS + 1] = "scrftylinm";

const char *context_word(enum context context)
{
	return context == CONTEXT_NMI ? "nmi" : "process";
}

const char *effect_word(enum effect effect)
{
	static const char *const words[EFFECTS] = {"stale",	"lost", "spurious",
						   "disturbed", "root", "stuck"};

	return words[effect];
}

void schedule_text(FILE *out, const u8 *actions, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		fprintf(out, "%s%u%c", i ? " " : "", ACTION_CPU(actions[i]),
			verb_letters[ACTION_VERB(actions[i])]);
}

bool schedule_parse(const char *text, u8 *actions, u32 *nr)
{
	*nr = 0;
	while (*text) {
		const char *letter;

		if (*text == ' ') {
			text++;
			continue;
		}
		if (*text < '0' || *text >= '0' + MAX_MODEL_CPUS || !text[1] || *nr == MAX_SCHEDULE)
			return false;
		letter = strchr(verb_letters, text[1]);
		if (!letter)
			return false;
		actions[(*nr)++] = ACTION(*text - '0', letter - verb_letters);
		text += 2;
	}
	return *nr;
}

/* --- Carrying out ---------------------------------------------------------------------------- */

static struct telling *telling;
static u32 action_now;

static void listen(unsigned int cpu, bool nmi, const char *text)
{
	struct told *line;

	if (telling->nr == MAX_TOLD)
		explorer_fail("a schedule of more than %d lines", MAX_TOLD);
	line = &telling->lines[telling->nr++];
	*line = (struct told){.action = action_now, .cpu = (u8)cpu, .nmi = nmi};
	snprintf(line->text, sizeof(line->text), "%s", text);
}

static void see(enum context context, enum effect effect, const struct finding *finding)
{
	telling->seen[context][effect] = *finding;
}

static bool is_possible(const struct state *s, u8 action)
{
	u8 actions[MAX_ACTIONS];
	u32 nr = model_actions(s, actions);

	for (u32 i = 0; i < nr; i++)
		if (actions[i] == action)
			return true;
	return false;
}

/*
 * Which rule, where the effect alone does not tell, for each CPU. What matters is where the CPU was
 * when the policy deferred the purge: beyond its entry's flush, or outside; and whether a flush
 * that came later was one that reaches what was owed. An initiator is always beyond it.
 */
static struct circumstances {
	bool deferred, in_kernel; /* the last purge deferred, and where its target was */
	bool flushed;		  /* the target has flushed since */
} circumstances[MAX_MODEL_CPUS];

/* Whether the answer about F's CPU was no: it is not interrupted, and does not flush by itself. */
static bool was_deferred(const struct frame *f, const struct state *after, unsigned int cpu)
{
	const struct frame *now = &after->cpus[cpu].frames[0];

	if (f->at != INIT_ASK || (now->at == INIT_ASK && now->arg == f->arg))
		return false;
	if (f->arg == cpu)
		return now->at == INIT_WAIT;
	return now->at != INIT_REQUEST && !(after->purges[f->purge].waiting >> f->arg & 1);
}

static void remember_step(u8 action)
{
	if (telling->nr_steps == MAX_SCHEDULE)
		explorer_fail("a schedule is longer than %d steps", MAX_SCHEDULE);
	telling->steps[telling->nr_steps++] = action;
}

static void watch(const struct state *before, const struct state *after, u8 action)
{
	unsigned int cpu = ACTION_CPU(action);
	const struct frame *f = &before->cpus[cpu].frames[0];
	const struct cpu_state *target = &before->cpus[f->arg];

	remember_step(action);
	if (cpu < bounds_now->initiators) {
		if (!was_deferred(f, after, cpu))
			return;
		circumstances[f->arg] = (struct circumstances){
			.deferred = true,
			.in_kernel = target->frames[0].kind != FRAME_TARGET ||
				     target->frames[0].at == TARGET_KERNEL ||
				     target->frames[0].at == TARGET_ENTER,
		};
	} else if (top_of(&before->cpus[cpu])->hook) {
		struct hook_run run = hook_run(before, cpu, top_of(&before->cpus[cpu]));

		circumstances[cpu].flushed |= run.op.kind == OP_WRITE_CR3 ||
					      run.op.kind == OP_SWITCH_FLUSH ||
					      run.op.kind == OP_INVLPG ||
					      run.op.kind == OP_FLUSH_ALL;
	}
}

static const char *rule_of(const struct circumstances *c)
{
	if (!c->deferred)
		return "R5";
	if (c->in_kernel)
		return "R4";
	return c->flushed ? "R10" : "R5";
}

bool schedule_tell(struct telling *out, const u8 *actions, u32 nr, bool two_roots)
{
	static struct state s;

	*out = (struct telling){0};
	telling = out;
	memset(circumstances, 0, sizeof(circumstances));
	model_found = see;
	model_begin(&s, two_roots);
	model_note = listen;
	action_now = 0;
	for (u32 cpu = 0; cpu < nr_model_cpus(); cpu++)
		if (s.cpus[cpu].frames[0].kind == FRAME_BYSTANDER)
			listen(cpu, false,
			       "is in the kernel all along, and does not track its context");
	for (; action_now < nr; action_now++) {
		if (!is_possible(&s, actions[action_now])) {
			model_note = NULL;
			return false;
		}
		model_apply(&s, actions[action_now], watch);
	}
	model_note = NULL;
	model_found = NULL;
	for (u32 context = 0; context < CONTEXTS; context++)
		for (u32 effect = 0; effect <= EFFECT_LOST; effect++) {
			struct finding *seen = &out->seen[context][effect];

			if (seen->found && !seen->rule)
				seen->rule = rule_of(&circumstances[seen->cpu]);
		}
	return true;
}

/* --- Columns --------------------------------------------------------------------------------- */

#define WIDTH	 100
#define NUMBER	 5
#define MAX_COLS (2 * MAX_MODEL_CPUS)

struct column {
	u8 cpu;
	bool nmi;
};

static u32 find_columns(const struct telling *t, struct column *columns)
{
	u32 nr = 0;

	for (u8 cpu = 0; cpu < nr_model_cpus(); cpu++) {
		bool any[2] = {cpu < bounds_now->initiators, false};

		for (u32 i = 0; i < t->nr; i++)
			if (t->lines[i].cpu == cpu)
				any[t->lines[i].nmi] = true;
		for (u32 nmi = 0; nmi < 2; nmi++)
			if (any[nmi])
				columns[nr++] = (struct column){cpu, nmi};
	}
	return nr;
}

/* Breaks at a blank if there is one in the second half of the column. */
static size_t fit(const char *text, size_t width)
{
	size_t length = strlen(text);

	if (length <= width)
		return length;
	for (size_t i = width; i > width / 3; i--)
		if (text[i] == ' ')
			return i;
	return width;
}

static void print_told(FILE *out, const struct told *line, u32 number, u32 column, u32 width)
{
	const char *rest = line->text;
	bool first = true;

	while (*rest) {
		size_t n = fit(rest, width - 2 - (first ? 0 : 2));

		if (first)
			fprintf(out, "%*u  ", NUMBER - 2, number);
		else
			fprintf(out, "%*s", NUMBER, "");
		fprintf(out, "%*s%s%.*s\n", (int)(column * width), "", first ? "" : "  ", (int)n,
			rest);
		rest += n;
		while (*rest == ' ')
			rest++;
		first = false;
	}
}

void telling_print(FILE *out, const struct telling *t)
{
	struct column columns[MAX_COLS];
	u32 nr = find_columns(t, columns);
	u32 width = (WIDTH - NUMBER) / nr;

	fprintf(out, "%*s", NUMBER, "");
	for (u32 i = 0; i < nr; i++) {
		char head[64];

		snprintf(head, sizeof(head), "CPU %u: %s", columns[i].cpu,
			 columns[i].nmi				   ? "NMI, #MC"
			 : columns[i].cpu < bounds_now->initiators ? "initiator"
			 : is_target(columns[i].cpu)		   ? "isolated"
								   : "untracked");
		fprintf(out, "%-*s", i + 1 < nr ? (int)width : 0, head);
	}
	fputc('\n', out);
	for (u32 i = 0; i < t->nr; i++)
		for (u32 k = 0; k < nr; k++)
			if (columns[k].cpu == t->lines[i].cpu && columns[k].nmi == t->lines[i].nmi)
				print_told(out, &t->lines[i], i + 1, k, width);
}
