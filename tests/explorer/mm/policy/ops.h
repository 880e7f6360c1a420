/* SPDX-License-Identifier: MIT */
/*
 * What stands in for mm/policy/ops.h when a policy is explored: each access of shared words, each
 * flush and each switch of roots becomes a call of the model (tests/explorer/op.h), where control
 * may pass to another CPU. Nothing else of a policy's file changes.
 *
 * The kernel's own meaning of each name stands in mm/policy/ops.h; here is what the model is told.
 */
#pragma once

/* These two declare, as functions, what are macros below. */
#include "arch/x86_64/tlb.h"
#include "arch/x86_64/tlb_gen.h"

#include "arch/x86_64/types.h"
#include "mm/policy/policy_doors.h"
#include "tests/explorer/op.h"

#define remote_words(cpu, type) ((type *)op_shared_words(cpu))
#define remote_own(cpu, type)	((type *)op_own_words(cpu))
#define policy_cpu()		op_this_cpu()
#define this_words(type)	((type *)op_shared_words(op_this_cpu()))

/* The explorer finds every such word by the bounds of the section. */
#define __policy_global __aligned(CACHE_LINE) __section("policy_globals")

#define FIELD_TYPE(type, field) __typeof__(((type){0}).field)

/* Where in the source an operation stands, and on what: for the printed interleaving. */
#define SITE(name)                                                                                 \
	({                                                                                         \
		static const struct site _site = {__FILE__, __LINE__, name};                       \
		&_site;                                                                            \
	})

#define WORD_OP(kind, name, word, value, expected)                                                 \
	({                                                                                         \
		__typeof__(*(word)) _read = (__typeof__(_read))op_word(                            \
			kind, SITE(name), (void *)(u64)(word), sizeof(*(word)), (u64)(value),      \
			(u64)(expected));                                                          \
		_read;                                                                             \
	})
#define STORE(name, word, value) ((void)WORD_OP(OP_STORE, name, word, value, 0))
#define SHARED(type, field)	 (&remote_words(op_this_cpu(), type)->field)
#define OWN(type, field)	 (&remote_own(op_this_cpu(), type)->field)

#define this_read(type, field)		WORD_OP(OP_LOAD, #field, SHARED(type, field), 0, 0)
#define own_read(type, field)		WORD_OP(OP_LOAD, #field, OWN(type, field), 0, 0)
#define this_write(type, field, value)	STORE(#field, SHARED(type, field), value)
#define own_write(type, field, value)	STORE(#field, OWN(type, field), value)
#define own_differs(type, field, value) (own_read(type, field) != (FIELD_TYPE(type, field))(value))
#define this_xchg(type, field, value)	WORD_OP(OP_XCHG, #field, SHARED(type, field), value, 0)
#define own_xchg(type, field, value)	WORD_OP(OP_XCHG, #field, OWN(type, field), value, 0)
/* LOCK XADD gives the old value, these return the sum. */
#define ADD_RETURN(name, word, value)                                                              \
	({                                                                                         \
		__typeof__(*(word)) _sum = WORD_OP(OP_ADD, name, word, value, 0);                  \
		_sum += (value);                                                                   \
		_sum;                                                                              \
	})
#define this_add_return(type, field, value) ADD_RETURN(#field, SHARED(type, field), value)

#define TRY_CMPXCHG(name, word, old, new)                                                          \
	({                                                                                         \
		__typeof__(*(word)) _expected = *(old);                                            \
		*(old) = WORD_OP(OP_CMPXCHG, name, word, new, _expected);                          \
		*(old) == _expected;                                                               \
	})
#define this_try_cmpxchg(type, field, old, new) TRY_CMPXCHG(#field, SHARED(type, field), old, new)

#define word_read(word)			 WORD_OP(OP_LOAD, #word, word, 0, 0)
#define word_read_acquire(word)		 WORD_OP(OP_LOAD, #word, word, 0, 0)
#define word_write(word, value)		 STORE(#word, word, value)
#define word_add_return(word, value)	 ADD_RETURN(#word, word, value)
#define word_and(word, value)		 WORD_OP(OP_AND, #word, word, value, 0)
#define word_or(word, value)		 WORD_OP(OP_OR, #word, word, value, 0)
#define word_try_cmpxchg(word, old, new) TRY_CMPXCHG(#word, word, old, new)

/* --- Roots and flushes ----------------------------------------------------------------------- */

enum root { ROOT_KERNEL, ROOT_RING3 };

#define OP(kind, text, value) op_plain(kind, SITE(text), value)

#define on_ring3_root()		((bool)OP(OP_READ_ROOT, "CR3", 0))
#define switch_root_noflush(to) ((void)OP(OP_SWITCH_NOFLUSH, #to, to))
#define switch_root_flush(to)	((void)OP(OP_SWITCH_FLUSH, #to, to))

#define tlb_gen_issued()     OP(OP_READ_ISSUED, "newest purge", 0)
#define __flush_tlb_all()    op_flush_all(SITE("everything"))
#define drain_begin_local()  op_drain(SITE("drain"))
#define flush_by_cr3_local() ((void)OP(OP_WRITE_CR3, "CR3, same root", 0))

/* DRAIN, then the flush: as in mm/policy/drain.c. The functions are for who takes an address. */
void drain_all_local(void);
#define drain_all_local()                                                                          \
	({                                                                                         \
		if (drain_begin_local())                                                           \
			__flush_tlb_all();                                                         \
	})
#define flush_by_root_switch_local() switch_root_flush(ROOT_KERNEL)
#define drain_by_root_switch_local()                                                               \
	({                                                                                         \
		if (drain_begin_local())                                                           \
			flush_by_root_switch_local();                                              \
		else                                                                               \
			switch_root_noflush(ROOT_KERNEL);                                          \
	})
#define flush_range_local(start, end, generation)                                                  \
	op_flush_range(SITE("page"), start, end, generation)

#define tlb_invlpgb(rax) ((void)OP(OP_INVLPGB, "INVLPGB", rax))
#define tlb_tlbsync()	 ((void)0) /* the model's broadcast is over when its step is */

/* Wrapping round and running full within two or three purges. */
#define policy_size(real, explored) (explored)
