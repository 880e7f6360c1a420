/* SPDX-License-Identifier: MIT */
/*
 * Memory, TLB and the operations of hooks, see model.h. What the CPUs do beside hooks: actors.c.
 */
#include "tests/explorer/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86_64/layout.h"
#include "arch/x86_64/tlb.h"
#include "tests/explorer/hook.h"
#include "tests/explorer/machine.h"
#include "tests/explorer/uses.h"
#include "tests/explorer/words.h"

void (*model_note)(unsigned int cpu, bool nmi, const char *text);

static bool two_roots;

void machine_select(bool two)
{
	two_roots = two;
}

bool machine_two_roots(void)
{
	return two_roots;
}

/* --- Notes --------------------------------------------------------------------------------------
 */

bool in_paranoid_door(const struct cpu_state *cpu)
{
	for (u32 i = 0; i < cpu->nr_frames; i++)
		if (cpu->frames[i].kind >= FRAME_NMI)
			return true;
	return false;
}

void note_words(const struct state *s, unsigned int cpu, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	model_note(cpu, in_paranoid_door(&s->cpus[cpu]), text);
}

/* "watching.c:32 " */
static const char *where(const struct site *site)
{
	static char text[64];
	const char *base = strrchr(site->file, '/');

	snprintf(text, sizeof(text), "%s:%d", base ? base + 1 : site->file, site->line);
	return text;
}

/* "&remote_own(cpu, struct cr3_flag)->kernel_cr3_loaded" is kernel_cr3_loaded. */
static const char *named(const struct site *site)
{
	const char *name = site->text;

	for (const char *at = name; (at = strstr(at, "->"));)
		name = at += strlen("->");
	return *name == '&' ? name + 1 : name;
}

/* --- Memory -------------------------------------------------------------------------------------
 */

static u64 mask_of(u64 size)
{
	return size < 8 ? BIT(8 * size) - 1 : ~0UL;
}

static u64 shift_of(const void *addr)
{
	return 8 * ((u64)addr & 7);
}

static u64 cell_value(const struct state *s, u8 cell)
{
	return s->cells[cell] ^ cell_initial(cell);
}

static void write_cell(struct state *s, u8 cell, u64 shift, u64 size, u64 value)
{
	u64 old = cell_value(s, cell);
	u64 new = (old & ~(mask_of(size) << shift)) | value << shift;

	s->cells[cell] = new ^ cell_initial(cell);
}

/* What CPU reads: memory, under what its own buffer holds. */
static u64 read_word(const struct state *s, unsigned int cpu, const void *addr, u64 size)
{
	const struct cpu_state *c = &s->cpus[cpu];
	u8 cell = cell_of(addr);
	u64 value = cell_value(s, cell);

	for (u32 i = 0; i < c->nr_buffered; i++) {
		const struct buffered *b = &c->buffer[i];

		if (b->cell == cell)
			value = (value & ~(mask_of(b->size) << b->shift)) | b->value << b->shift;
	}
	return value >> shift_of(addr) & mask_of(size);
}

static void buffer_store(struct state *s, unsigned int cpu, const struct buffered *store)
{
	struct cpu_state *c = &s->cpus[cpu];

	c->buffer[c->nr_buffered++] = *store;
}

bool buffer_full(const struct cpu_state *c)
{
	return c->nr_buffered == MAX_BUFFERED;
}

void buffer_pte_clear(struct state *s, unsigned int cpu, u8 purge)
{
	buffer_store(s, cpu, &(struct buffered){.cell = BUFFERED_PTE, .value = purge});
}

void buffer_commit(struct state *s, unsigned int cpu)
{
	struct cpu_state *c = &s->cpus[cpu];
	struct buffered b = c->buffer[0];

	memmove(c->buffer, c->buffer + 1, sizeof(b) * --c->nr_buffered);
	if (b.cell == BUFFERED_PTE) {
		s->present &= (u8)~BIT(b.value);
		note(s, cpu, "(store buffer) purge %lu's PTE is cleared in memory", b.value + 1);
		return;
	}
	write_cell(s, b.cell, b.shift, b.size, b.value);
	note(s, cpu, "(store buffer) 0x%lx reaches memory%s", b.value,
	     words_meaning((const u8 *)cell_address(b.cell) + b.shift / 8, b.size, b.value, cpu,
			   ""));
}

/* --- TLB ----------------------------------------------------------------------------------------
 */

void tlb_fill_all(struct state *s)
{
	for (u32 i = 0; i < nr_model_cpus(); i++)
		if (!s->cpus[i].ring3_root)
			s->cpus[i].may |= s->present;
}

static u8 tables(const struct state *s)
{
	u8 mask = 0;

	for (u32 i = 0; i < MAX_PURGES; i++)
		if (s->purges[i].kind == PURGE_TABLE)
			mask |= (u8)BIT(i);
	return mask;
}

/* Purges whose translations are in REACHED are gone from CPU's TLB. */
static void drop(struct state *s, unsigned int cpu, u8 reached)
{
	struct cpu_state *c = &s->cpus[cpu];

	c->may &= (u8)~reached;
	c->covered |= reached & s->issued;
}

void tlb_flush_all(struct state *s, unsigned int cpu)
{
	drop(s, cpu, 0xff);
}

/* INVLPG reaches global entries and the current PCID; all tables of that. */
static void flush_page(struct state *s, unsigned int cpu, u64 addr)
{
	u64 page = (addr - VMALLOC_START) >> PAGE_SHIFT;
	u8 reached = page < MAX_PURGES ? (u8)BIT(page) & (u8)~tables(s) : 0;

	if (!s->cpus[cpu].ring3_root)
		drop(s, cpu, reached | tables(s));
}

void tlb_flush_for(struct state *s, unsigned int cpu, u8 purge)
{
	if (s->purges[purge].kind == PURGE_RANGED)
		flush_page(s, cpu, VMALLOC_START + purge * PAGE_SIZE);
	else
		tlb_flush_all(s, cpu);
}

/* Without NOFLUSH, for the PCID of the root that is now loaded. */
static void flush_by_cr3(struct state *s, unsigned int cpu)
{
	if (!two_roots)
		drop(s, cpu, tables(s));
	else if (!s->cpus[cpu].ring3_root)
		drop(s, cpu, 0xff);
}

static void broadcast(struct state *s, u64 rax)
{
	for (u32 cpu = 0; cpu < nr_model_cpus(); cpu++) {
		if (rax & INVLPGB_VA) /* with INCLUDE_GLOBAL, all PCIDs: whatever root is loaded */
			drop(s, cpu, (u8)BIT(((rax & PAGE_MASK) - VMALLOC_START) >> PAGE_SHIFT));
		else
			tlb_flush_all(s, cpu);
	}
}

/* --- Operations ---------------------------------------------------------------------------------
 */

bool op_waits_for_buffer(const struct op *op)
{
	switch (op->kind) {
	case OP_XCHG:
	case OP_ADD:
	case OP_AND:
	case OP_OR:
	case OP_CMPXCHG:
	case OP_SWITCH_NOFLUSH:
	case OP_SWITCH_FLUSH:
	case OP_WRITE_CR3:
	case OP_INVLPG:
	case OP_INVLPGB:
		return true;
	default:
		return false;
	}
}

static u64 do_locked(struct state *s, unsigned int cpu, const struct op *op)
{
	static const char *const names[] = {[OP_XCHG] = "XCHG",
					    [OP_ADD] = "XADD",
					    [OP_AND] = "AND",
					    [OP_OR] = "OR",
					    [OP_CMPXCHG] = "CMPXCHG"};
	u64 old = read_word(s, cpu, op->addr, op->size);
	u64 new = op_result(op, old) & mask_of(op->size);

	uses_note(cell_of(op->addr), cpu, true);
	if (op->kind == OP_CMPXCHG && old != op->expected) {
		note(s, cpu, "%s CMPXCHG %s fails: is 0x%lx, not 0x%lx%s", where(op->site),
		     named(op->site), old, op->expected,
		     words_meaning(op->addr, op->size, old, cpu, named(op->site)));
		return old;
	}
	write_cell(s, cell_of(op->addr), shift_of(op->addr), op->size, new);
	note(s, cpu, "%s %s %s: 0x%lx -> 0x%lx%s", where(op->site), names[op->kind],
	     named(op->site), old, new,
	     words_meaning(op->addr, op->size, new, cpu, named(op->site)));
	return old;
}

static u64 do_store(struct state *s, unsigned int cpu, const struct op *op)
{
	u8 cell = cell_of(op->addr);

	uses_note(cell, cpu, true);
	buffer_store(s, cpu,
		     &(struct buffered){.cell = cell,
					.shift = (u8)shift_of(op->addr),
					.size = (u8)op->size,
					.value = op->value});
	note(s, cpu, "%s %s := 0x%lx%s, in its store buffer", where(op->site), named(op->site),
	     op->value, words_meaning(op->addr, op->size, op->value, cpu, named(op->site)));
	return 0;
}

static u64 do_load(struct state *s, unsigned int cpu, const struct op *op)
{
	u64 value = read_word(s, cpu, op->addr, op->size);

	uses_note(cell_of(op->addr), cpu, false);
	note(s, cpu, "%s reads %s: 0x%lx%s", where(op->site), named(op->site), value,
	     words_meaning(op->addr, op->size, value, cpu, named(op->site)));
	return value;
}

static void do_switch(struct state *s, unsigned int cpu, const struct op *op)
{
	bool flush = op->kind == OP_SWITCH_FLUSH;

	s->cpus[cpu].ring3_root = two_roots && op->value;
	if (flush)
		flush_by_cr3(s, cpu);
	note(s, cpu, "%s CR3 := %s root, %s", where(op->site), op->value ? "ring 3's" : "kernel's",
	     flush ? "flushes" : "keeps the TLB");
}

u64 op_apply(struct state *s, unsigned int cpu, const struct op *op)
{
	switch (op->kind) {
	case OP_LOAD:
		return do_load(s, cpu, op);
	case OP_STORE:
		return do_store(s, cpu, op);
	case OP_XCHG:
	case OP_ADD:
	case OP_AND:
	case OP_OR:
	case OP_CMPXCHG:
		return do_locked(s, cpu, op);
	case OP_READ_ROOT:
		note(s, cpu, "%s reads CR3: %s root", where(op->site),
		     s->cpus[cpu].ring3_root ? "ring 3's" : "kernel's");
		return s->cpus[cpu].ring3_root;
	case OP_READ_ISSUED:
		return s->nr_issued;
	case OP_SWITCH_NOFLUSH:
	case OP_SWITCH_FLUSH:
		do_switch(s, cpu, op);
		return 0;
	case OP_WRITE_CR3:
		flush_by_cr3(s, cpu);
		note(s, cpu, "%s CR3 written, the same root", where(op->site));
		return 0;
	case OP_FLUSH_ALL:
		tlb_flush_all(s, cpu);
		note(s, cpu, "%s flushes everything", where(op->site));
		return 0;
	case OP_INVLPG:
		flush_page(s, cpu, (u64)op->addr);
		note(s, cpu, "%s INVLPG of purge %lu's page", where(op->site),
		     (((u64)op->addr - VMALLOC_START) >> PAGE_SHIFT) + 1);
		return 0;
	case OP_INVLPGB:
		broadcast(s, op->value);
		note(s, cpu, "%s INVLPGB, TLBSYNC", where(op->site));
		return 0;
	case OP_DRAIN:
		drain_begins(s, cpu);
		return true;
	case OP_KINDS:
		break;
	}
	abort();
}
