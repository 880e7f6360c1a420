/* SPDX-License-Identifier: MIT */
/*
 * An operation of a policy's hook, as the model sees it: what a hook does that another CPU, an NMI
 * or the TLB can notice. tests/explorer/mm/policy/ops.h turns a policy's source into these.
 *
 * A hook is run again from its beginning for each of its operations (hook.h): those done before are
 * answered from its history, the first one beyond that ends the run and becomes the pending one.
 * So a hook's state is the list of answers that it has had, and no stack of it is ever kept.
 */
#pragma once

#include "arch/x86_64/types.h"

enum op_kind {
	OP_LOAD,
	OP_STORE,
	OP_XCHG,
	OP_ADD,	    /* LOCK XADD */
	OP_AND,	    /* LOCK AND */
	OP_OR,	    /* LOCK OR */
	OP_CMPXCHG, /* LOCK CMPXCHG */
	OP_READ_ROOT,
	OP_SWITCH_NOFLUSH,
	OP_SWITCH_FLUSH,
	OP_WRITE_CR3, /* the same root again */
	OP_READ_ISSUED,
	OP_FLUSH_ALL, /* INVPCID, all and global */
	OP_INVLPG,
	OP_INVLPGB, /* AMD's broadcast */
	OP_DRAIN,   /* the hook says that it drains; flushes nothing by itself */
	OP_KINDS,
};

struct site {
	const char *file;
	int line;
	const char *text;
};

struct op {
	enum op_kind kind;
	const struct site *site;
	void *addr; /* of the word; INVLPG: the page */
	u64 size;
	u64 value;    /* stored, added, exchanged; OP_SWITCH_*: enum root */
	u64 expected; /* CMPXCHG */
};

/* What OP, one of those that write a word, writes where OLD was. */
static inline u64 op_result(const struct op *op, u64 old)
{
	switch (op->kind) {
	case OP_ADD:
		return old + op->value;
	case OP_AND:
		return old & op->value;
	case OP_OR:
		return old | op->value;
	default:
		return op->value;
	}
}

/* What ops.h calls. Each returns what the operation read; CMPXCHG, XADD: the old value. */
u64 op_word(enum op_kind kind, const struct site *site, void *addr, u64 size, u64 value,
	    u64 expected);
u64 op_plain(enum op_kind kind, const struct site *site, u64 value);
void op_flush_all(const struct site *site);
bool op_drain(const struct site *site);
void op_flush_range(const struct site *site, u64 start, u64 end, u64 generation);

unsigned int op_this_cpu(void);
void *op_shared_words(unsigned int cpu);
void *op_own_words(unsigned int cpu);
