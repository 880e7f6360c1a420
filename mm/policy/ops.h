/* SPDX-License-Identifier: MIT */
/*
 * The only way a policy touches anything that another CPU may see: its shared words, its flushes.
 * Everything is noinstr-safe and inlined. A host build that replaces this header alone runs the
 * same policy files under another memory and another TLB.
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

/* CPU's shared words as TYPE, for an initiator. */
#define remote_words(cpu, type) ((type *)percpu(cpu)->policy_shared)

#define SHARED_OFFSET(type, field) (offsetof(struct percpu, policy_shared) + offsetof(type, field))

/* LOCK XADD on this CPU's 32-bit word: returns the sum. A full barrier. */
#define this_add_return32(type, field, value)                                                      \
	({                                                                                         \
		u32 _add = (value);                                                                \
		u32 _old = _add;                                                                   \
		__asm__ volatile("lock xaddl %0, %%gs:%c1"                                         \
				 : "+r"(_old)                                                      \
				 : "i"(SHARED_OFFSET(type, field))                                 \
				 : "memory", "cc");                                                \
		_old + _add;                                                                       \
	})

/* A plain load of this CPU's 32-bit word. */
#define this_read32(type, field)                                                                   \
	({                                                                                         \
		u32 _value;                                                                        \
		__asm__ volatile("movl %%gs:%c1, %0"                                               \
				 : "=r"(_value)                                                    \
				 : "i"(SHARED_OFFSET(type, field))                                 \
				 : "memory");                                                      \
		_value;                                                                            \
	})

/* LOCK CMPXCHG on this CPU's 32-bit word: true if it was *OLD; else *OLD is what it was. */
#define this_try_cmpxchg32(type, field, old, new)                                                  \
	({                                                                                         \
		u32 *_old = (old);                                                                 \
		bool _ok;                                                                          \
		__asm__ volatile("lock cmpxchgl %3, %%gs:%c2"                                      \
				 : "=@ccz"(_ok), "+a"(*_old)                                       \
				 : "i"(SHARED_OFFSET(type, field)), "r"(new)                       \
				 : "memory");                                                      \
		_ok;                                                                               \
	})

/* The same on another CPU's word. Full barrier whether it succeeds or not (LOCKed). */
static __always_inline bool remote_try_cmpxchg32(u32 *word, u32 *old, u32 new)
{
	return __atomic_compare_exchange_n(word, old, new, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

/* A plain load of another CPU's word. */
static __always_inline u32 remote_read32(const u32 *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/*
 * The doors of a policy that treats both root modes alike. NAME_enter(), NAME_exit(),
 * NAME_nmi_enter() and NAME_nmi_exit() are __always_inline functions of its file; with two roots
 * the root is switched around them: on the way in before anything else, so that INVLPG reaches the
 * kernel's PCID, on the way out after everything else. An NMI goes back to the root it came from.
 */
#define DEFINE_POLICY_DOORS(name)                                                                  \
	static noinstr void name##_enter_one(void)                                                 \
	{                                                                                          \
		name##_enter();                                                                    \
	}                                                                                          \
	static noinstr void name##_exit_one(void)                                                  \
	{                                                                                          \
		name##_exit();                                                                     \
	}                                                                                          \
	static noinstr u64 name##_nmi_enter_one(void)                                              \
	{                                                                                          \
		return name##_nmi_enter();                                                         \
	}                                                                                          \
	static noinstr void name##_nmi_exit_one(u64 saved)                                         \
	{                                                                                          \
		name##_nmi_exit(saved);                                                            \
	}                                                                                          \
	static noinstr void name##_enter_two(void)                                                 \
	{                                                                                          \
		switch_root_noflush(ROOT_KERNEL);                                                  \
		name##_enter();                                                                    \
	}                                                                                          \
	static noinstr void name##_exit_two(void)                                                  \
	{                                                                                          \
		name##_exit();                                                                     \
		switch_root_noflush(ROOT_RING3);                                                   \
	}                                                                                          \
	static noinstr u64 name##_nmi_enter_two(void)                                              \
	{                                                                                          \
		bool ring3 = on_ring3_root();                                                      \
                                                                                                   \
		if (ring3)                                                                         \
			switch_root_noflush(ROOT_KERNEL);                                          \
		return name##_nmi_enter() << 1 | ring3;                                            \
	}                                                                                          \
	static noinstr void name##_nmi_exit_two(u64 saved)                                         \
	{                                                                                          \
		name##_nmi_exit(saved >> 1);                                                       \
		if (saved & 1)                                                                     \
			switch_root_noflush(ROOT_RING3);                                           \
	}

#define POLICY_DOORS_ONE(name)                                                                     \
	{                                                                                          \
		name##_enter_one, name##_exit_one, name##_nmi_enter_one, name##_nmi_exit_one       \
	}
#define POLICY_DOORS_TWO(name)                                                                     \
	{                                                                                          \
		name##_enter_two, name##_exit_two, name##_nmi_enter_two, name##_nmi_exit_two       \
	}

/*
 * The deferred flush itself: everything, global entries too. Counted before it is executed, so
 * that break=drain, which leaves the execution out, is invisible to the counters. Each must answer
 * to a purge that recorded it (R9): an NMI that flushes what the entry under it will drain anyway
 * calls __flush_tlb_all() instead.
 */
void drain_all_local(void);
