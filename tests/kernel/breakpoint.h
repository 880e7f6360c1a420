/* SPDX-License-Identifier: MIT */
/*
 * Hardware breakpoints on instructions (SDM Vol 3 18.2), of the calling CPU. POPF and IRET to ring
 * 0 may leave RF clear, so a hook must take away the breakpoint that it was called for.
 */
#pragma once

#include "arch/x86_64/cpu.h"

/* DR0 on ADDRESS, alone. */
static inline void breakpoint_set(u64 address)
{
	__asm__ volatile("mov %0, %%dr0" ::"r"(address));
	write_dr7(1);
}

/* DR0..DR2 on three addresses, DR3 not in use. */
static inline void breakpoint_set3(const u64 *addresses)
{
	__asm__ volatile("mov %0, %%dr0" ::"r"(addresses[0]));
	__asm__ volatile("mov %0, %%dr1" ::"r"(addresses[1]));
	__asm__ volatile("mov %0, %%dr2" ::"r"(addresses[2]));
	write_dr7(1 | 1 << 2 | 1 << 4);
}

static inline void breakpoints_clear(void)
{
	write_dr7(0);
}
