/* SPDX-License-Identifier: MIT */
/*
 * The only way a policy touches anything that another CPU may see: its shared words, its flushes.
 * Everything is noinstr-safe and inlined. A host build that replaces this header alone runs the
 * same policy files under another memory and another TLB: tests/explorer does.
 *
 * Words: each CPU has one cache line for words that initiators write too ("shared") and one that
 * only the CPU itself writes ("own"), both laid out by the policy as a struct of up to 64 bytes.
 * this_* is the calling CPU's, reached through GS in one instruction.
 */
#pragma once

#include "arch/x86_64/breaks.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/roots.h"
#include "arch/x86_64/tlb.h"
#include "arch/x86_64/types.h"
#include "mm/policy/policy_doors.h"

/* CPU's words as TYPE, for an initiator and for reset(). Of the own ones it reads only. */
#define remote_words(cpu, type) ((type *)percpu(cpu)->policy_shared)
#define remote_own(cpu, type)	((type *)percpu(cpu)->policy_own)

/* The number of the calling CPU. */
#define policy_cpu() __this_read(offsetof(struct percpu, cpu), u32)

/* This CPU's shared words, for what the one-instruction forms below do not reach: arrays. */
#define this_words(type) ((type *)this_cpu()->policy_shared)

/* A word that all CPUs share, one a line, readable in the danger zone. */
#define __policy_global __aligned(CACHE_LINE) __section(".entry.data.policy")

#define FIELD_TYPE(type, field) __typeof__(((type){0}).field)
#define SHARED_AT(type, field)	(offsetof(struct percpu, policy_shared) + offsetof(type, field))
#define OWN_AT(type, field)	(offsetof(struct percpu, policy_own) + offsetof(type, field))

/* A plain load of this CPU's word. */
#define __this_read(at, type)                                                                      \
	({                                                                                         \
		type _value;                                                                       \
		__asm__ volatile("mov %%gs:%c1, %0" : "=r"(_value) : "i"(at) : "memory");          \
		_value;                                                                            \
	})
#define this_read(type, field) __this_read(SHARED_AT(type, field), FIELD_TYPE(type, field))
#define own_read(type, field)  __this_read(OWN_AT(type, field), FIELD_TYPE(type, field))

/* A plain store: others see it after everything this CPU stored before (TSO), no barrier. */
#define __this_write(at, type, value)                                                              \
	do {                                                                                       \
		type _new = (value);                                                               \
		_Static_assert(sizeof(type) == 4 || sizeof(type) == 8, "a word");                  \
		if (sizeof(type) == 4)                                                             \
			__asm__ volatile("movl %0, %%gs:%c1" ::"ri"((u32)_new), "i"(at)            \
					 : "memory");                                              \
		else                                                                               \
			__asm__ volatile("movq %0, %%gs:%c1" ::"re"((u64)_new), "i"(at)            \
					 : "memory");                                              \
	} while (0)
#define this_write(type, field, value)                                                             \
	__this_write(SHARED_AT(type, field), FIELD_TYPE(type, field), value)
#define own_write(type, field, value)                                                              \
	__this_write(OWN_AT(type, field), FIELD_TYPE(type, field), value)

/* A plain load and a comparison in one instruction: is this CPU's own word another than VALUE? */
#define own_differs(type, field, value)                                                            \
	({                                                                                         \
		bool _differs;                                                                     \
		__asm__ volatile("cmp %1, %%gs:%c2"                                                \
				 : "=@ccne"(_differs)                                              \
				 : "r"((FIELD_TYPE(type, field))(value)), "i"(OWN_AT(type, field)) \
				 : "memory");                                                      \
		_differs;                                                                          \
	})

/* XCHG: returns what was there. A full barrier. */
#define __this_xchg(at, type, value)                                                               \
	({                                                                                         \
		type _word = (value);                                                              \
		__asm__ volatile("xchg %0, %%gs:%c1" : "+r"(_word) : "i"(at) : "memory");          \
		_word;                                                                             \
	})
#define this_xchg(type, field, value)                                                              \
	__this_xchg(SHARED_AT(type, field), FIELD_TYPE(type, field), value)
#define own_xchg(type, field, value)                                                               \
	__this_xchg(OWN_AT(type, field), FIELD_TYPE(type, field), value)

/* LOCK XADD: returns the sum. A full barrier. */
#define this_add_return(type, field, value)                                                        \
	({                                                                                         \
		FIELD_TYPE(type, field) _add = (value);                                            \
		FIELD_TYPE(type, field) _old = _add;                                               \
		__asm__ volatile("lock xadd %0, %%gs:%c1"                                          \
				 : "+r"(_old)                                                      \
				 : "i"(SHARED_AT(type, field))                                     \
				 : "memory", "cc");                                                \
		(FIELD_TYPE(type, field))(_old + _add);                                            \
	})

/* LOCK CMPXCHG: true if it was *OLD; else *OLD is what it was. */
#define this_try_cmpxchg(type, field, old, new)                                                    \
	({                                                                                         \
		FIELD_TYPE(type, field) *_old = (old);                                             \
		FIELD_TYPE(type, field) _new = (new);                                              \
		bool _ok;                                                                          \
		__asm__ volatile("lock cmpxchg %3, %%gs:%c2"                                       \
				 : "=@ccz"(_ok), "+a"(*_old)                                       \
				 : "i"(SHARED_AT(type, field)), "r"(_new)                          \
				 : "memory");                                                      \
		_ok;                                                                               \
	})

/*
 * Words reached by address: another CPU's, or global ones. A plain load, one that the loads after
 * it in the source stay behind (x86 keeps that order, a compiler need not), a plain store.
 */
#define word_read(word)		__atomic_load_n(word, __ATOMIC_RELAXED)
#define word_read_acquire(word) __atomic_load_n(word, __ATOMIC_ACQUIRE)
#define word_write(word, value) __atomic_store_n(word, value, __ATOMIC_RELEASE)

/* LOCKed, full barriers whether they succeed or not. */
#define word_add_return(word, value) __atomic_add_fetch(word, value, __ATOMIC_SEQ_CST)
#define word_and(word, value)	     ((void)__atomic_and_fetch(word, value, __ATOMIC_SEQ_CST))
#define word_or(word, value)	     ((void)__atomic_or_fetch(word, value, __ATOMIC_SEQ_CST))
#define word_try_cmpxchg(word, old, new)                                                           \
	__atomic_compare_exchange_n(word, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/*
 * The deferred flush itself: everything, global entries too. Counted before it is executed, so
 * that break=drain, which leaves the execution out, is invisible to the counters. Each drain must
 * answer to a purge that recorded it (R9): an NMI that flushes what the entry under it will drain
 * anyway calls __flush_tlb_all() instead.
 */
void drain_all_local(void);

/* One drain of ranges: true if they are to be flushed (not under break=drain). */
bool drain_begin_local(void);

/* INVLPG for each page of [start, end), which purge GENERATION was about. Kernel's root. */
void flush_range_local(u64 start, u64 end, u64 generation);

/*
 * The drain that is a switch to the kernel's root: the CR3 write drops all that is not global, and
 * with two roots nothing else may be deferred. It serializes, too: stores before it are visible
 * before the flush takes effect (R4).
 */
void drain_by_root_switch_local(void);

/* The same flush without being a drain: an NMI's own. */
void flush_by_root_switch_local(void);

/*
 * A write of CR3 that changes nothing, booked as a flush of everything: what it is only if nothing
 * that may be flushed late is global (cr3_drain.c, a control).
 */
void flush_by_cr3_local(void);

/*
 * A size that the explorer makes small, so that wrapping round and running full come within its
 * bounds: the number of slots in a list, say.
 */
#define policy_size(real, explored) (real)
