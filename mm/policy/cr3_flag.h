/* SPDX-License-Identifier: MIT */
/*
 * The flag of v6 to v9, "kernel_cr3_loaded", and the doors as they should be. cr3-flag is made of
 * these; the posted versions and the defects N7 to N9 put one wrong order or test in place of one.
 * The flag is written by its own CPU only, so it lies in the line that nobody else writes.
 */
#pragma once

#include "mm/policy/ops.h"
#include "mm/policy/policy.h"

struct cr3_flag {
	u32 kernel_cr3_loaded;
};

extern const struct policy_word cr3_flag_words[];

static inline void cr3_flag_reset(unsigned int cpu)
{
	remote_own(cpu, struct cr3_flag)->kernel_cr3_loaded = 1;
}

static inline bool cr3_flag_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	(void)range;
	return word_read(&remote_own(cpu, struct cr3_flag)->kernel_cr3_loaded);
}

/* Flag first, then the write of CR3, which serializes and is the flush. */
static __always_inline void cr3_flag_enter(void)
{
	own_write(struct cr3_flag, kernel_cr3_loaded, 1);
	drain_by_root_switch_local();
}

static __always_inline void cr3_flag_exit(void)
{
	own_write(struct cr3_flag, kernel_cr3_loaded, 0);
	switch_root_noflush(ROOT_RING3);
}

/* What an NMI found and has to leave again. */
#define CR3_FLAG_SAVED_FLAG  1UL
#define CR3_FLAG_SAVED_RING3 2UL

/*
 * The flag is exchanged, hence a full barrier before the flush. The flush is always due. On ring
 * 3's root that is plain. On the kernel's, the flag may say ring 3 all the same, in the tail of an
 * exit; and if it does not, another door's hook may be under this one, #MC's say, which has taken
 * the flag and not flushed yet: nothing in memory tells (R6).
 */
static __always_inline u64 cr3_flag_nmi_enter(void)
{
	u64 saved = own_xchg(struct cr3_flag, kernel_cr3_loaded, 1) & CR3_FLAG_SAVED_FLAG;

	if (on_ring3_root())
		saved |= CR3_FLAG_SAVED_RING3;
	flush_by_root_switch_local();
	return saved;
}

static __always_inline void cr3_flag_nmi_exit(u64 saved)
{
	own_write(struct cr3_flag, kernel_cr3_loaded, (u32)(saved & CR3_FLAG_SAVED_FLAG));
	if (saved & CR3_FLAG_SAVED_RING3)
		switch_root_noflush(ROOT_RING3);
}
