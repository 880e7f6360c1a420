/* SPDX-License-Identifier: MIT */
/*
 * One root or two. With two, a CPU in ring 3 runs on a second root that holds user memory, the
 * entry code and its data, and the CPU entry areas: nothing that may be flushed late. Every task
 * has a pair of root tables, the kernel's at an 8 KiB boundary and ring 3's 4 KiB above it, so that
 * one bit of CR3 tells them apart (as Linux's kPTI does). With PCIDs each root has its own, and a
 * switch with NOFLUSH keeps both roots' translations.
 *
 * Global entries outlive every switch, so with two roots only what both map is global: the entry
 * code, its data and the CPU areas. With one root the whole kernel is.
 */
#pragma once

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/types.h"

enum root { ROOT_KERNEL, ROOT_RING3 };

#define CR3_RING3_ROOT BIT(12)
#define CR3_RING3_PCID BIT(11)
#define CR3_NOFLUSH    BIT(63)

/*
 * What the two values of CR3 differ by, and what keeps a PCID's translations over a write of CR3:
 * 0 without PCIDs. Constant after roots_init(); readable in the danger zone.
 */
extern u64 cr3_ring3_bits, cr3_noflush;

/* Whether tasks have two roots now. Written by roots_select(). */
extern bool two_roots;

/* Makes what all second roots share. Returns NULL or what went wrong. Boot CPU, mapping done. */
const char *roots_init(void);

/*
 * One root or two from now on: makes kernel mappings global or not. All other CPUs stopped, no task
 * anywhere; the caller then has every CPU flush everything, global entries too.
 */
void roots_select(bool two);

/*
 * Makes ring 3's root of the pair at ROOT what it must be, and the user half of the kernel's root
 * not executable: who returns to ring 3 on the wrong root faults at once. On the CPU that is about
 * to run on the pair; user mappings may change afterwards below existing top-level entries only.
 */
void roots_split(phys_addr_t root);

static __always_inline bool on_ring3_root(void)
{
	return read_cr3() & CR3_RING3_ROOT;
}

/* Writes CR3 for the other root of the pair, translations kept if the CPU can (NOFLUSH). */
static __always_inline void switch_root_noflush(enum root to)
{
	u64 cr3 = read_cr3();

	cr3 = to == ROOT_RING3 ? cr3 | cr3_ring3_bits : cr3 & ~cr3_ring3_bits;
	write_cr3(cr3 | cr3_noflush);
}

/*
 * The same, without NOFLUSH: drops every translation of the new root's PCID that is not global
 * (SDM Vol 3, 4.10.4.1). With two roots that is all that may be flushed late.
 */
static __always_inline void switch_root_flush(enum root to)
{
	u64 cr3 = read_cr3();

	write_cr3(to == ROOT_RING3 ? cr3 | cr3_ring3_bits : cr3 & ~cr3_ring3_bits);
}
