/* SPDX-License-Identifier: MIT */
/*
 * One CPU's entry area: the per-CPU block, the page that ring 3 may read, the descriptor tables,
 * the entry stack and the IST stacks, each stack with an unmapped page on both sides. It is all
 * that a door touches before the danger zone ends, it is mapped in every root, and no flush of it
 * is ever deferrable (R2, R8).
 *
 *	CPU_AREA_BASE + cpu * CPU_AREA_STRIDE
 *	+0x00000  struct percpu          GS base points here
 *	+0x02000  struct user_page       ring 3 reads it at USER_PAGE_VA
 *	+0x03000  GDT and TSS
 *	+0x05000  entry stack   8 KiB    TSS.RSP0
 *	+0x08000  NMI stack     8 KiB    IST 1
 *	+0x0b000  #DF stack     8 KiB    IST 2
 *	+0x0e000  #MC stack     8 KiB    IST 3
 *	+0x11000  #DB stack     8 KiB    IST 4
 *	+0x20000  the next CPU
 *
 * The stride is a power of two and the base is aligned to it, so that an IST door finds its CPU's
 * block by masking RSP: it trusts neither GS, nor CS, nor the sign of the GS base.
 */
#pragma once

#include "arch/x86_64/layout.h"
#include "arch/x86_64/types.h"

#define CPU_AREA_STRIDE	     0x20000UL
#define CPU_AREA_PERCPU	     0x0UL
#define CPU_AREA_PERCPU_SIZE 0x2000UL
#define CPU_AREA_USER_PAGE   0x2000UL
#define CPU_AREA_TABLES	     0x3000UL
#define CPU_AREA_ENTRY_STACK 0x5000UL
#define CPU_AREA_IST_STACKS  0x8000UL
#define CPU_AREA_IST_STEP    0x3000UL
#define CPU_AREA_STACK_SIZE  0x2000UL
#define NR_IST_STACKS	     4

#define IST_NMI 1
#define IST_DF	2
#define IST_MC	3
#define IST_DB	4

static inline u64 cpu_area(unsigned int cpu)
{
	return CPU_AREA_BASE + cpu * CPU_AREA_STRIDE;
}

/*
 * Maps one CPU's area into the kernel root. Returns NULL or what went wrong.
 * Context: boot CPU, before that CPU runs.
 */
const char *cpu_area_map(unsigned int cpu);

/* The frame of the CPU's user page, to be mapped read-only into a task's root. */
phys_addr_t cpu_area_user_page(unsigned int cpu);

/* If ADDR is in a guard page of a CPU area or kernel stack: which one, else NULL. */
const char *guard_page_name(u64 addr);
