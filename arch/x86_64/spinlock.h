/* SPDX-License-Identifier: MIT */
/*
 * A test-and-set lock. No queue: with more vCPUs than cores a queued lock convoys behind every
 * preempted waiter. Interrupts may stay on while it is held, since no interrupt handler of this
 * kernel takes a lock; a waiter therefore still answers flush IPIs. Not for noinstr code.
 */
#pragma once

#include "arch/x86_64/log.h"
#include "arch/x86_64/relax.h"
#include "arch/x86_64/types.h"

typedef struct {
	bool held;
} spinlock_t;

#define SPINLOCK_INIT                                                                              \
	{                                                                                          \
		false                                                                              \
	}

/*
 * Turns before a waiter gives up and stops the machine: minutes on any emulator or CPU, more than a
 * holder may spend waiting for other CPUs (smp_call.c), so that the wait at the bottom is named.
 */
#define SPIN_LIMIT (1UL << 34)

static inline bool spin_trylock(spinlock_t *lock)
{
	return !__atomic_exchange_n(&lock->held, true, __ATOMIC_ACQUIRE);
}

static inline void spin_lock(spinlock_t *lock)
{
	u64 spins = 0;

	while (!spin_trylock(lock)) {
		while (__atomic_load_n(&lock->held, __ATOMIC_RELAXED)) {
			if (++spins == SPIN_LIMIT)
				panic("spin lock at %p was not released", (void *)lock);
			cpu_relax();
		}
	}
}

static inline void spin_unlock(spinlock_t *lock)
{
	__atomic_store_n(&lock->held, false, __ATOMIC_RELEASE);
}
