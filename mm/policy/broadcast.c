/* SPDX-License-Identifier: MIT */
/*
 * broadcast: Linux 6.15 on AMD. INVLPGB invalidates in every CPU's TLB, TLBSYNC waits until all
 * have done so: no IPI, nothing deferred, no CPU executes anything. (AMD's manual, Vol 3, INVLPGB;
 * EDX of the instruction names a PCID, RAX the address and what else to match, ECX the count.)
 *
 * No emulator has the instruction, so this file has been compiled and nothing more: where CPUID
 * does not offer it the verdict is `skip`. The generation oracle asks what each CPU has executed,
 * which has no meaning here; the canary judges.
 */
#include "arch/x86_64/features.h"
#include "mm/policy/ops.h"
#include "mm/policy/policy.h"
#include "mm/policy/policy_targets.h"

static const char *broadcast_missing(void)
{
	if (flush_detours & DETOUR_STALE_COPY)
		return "zone=stale: a CPU's copy does not hear of INVLPGB";
	return cpu_features.invlpgb ? NULL : "this CPU has no INVLPGB (CPUID 80000008H)";
}

static void broadcast_reset(unsigned int cpu)
{
	(void)cpu;
}

static u64 broadcast_begin(const struct flush_range *range)
{
	if (range->full) {
		tlb_invlpgb(INVLPGB_INCLUDE_GLOBAL);
	} else {
		for (u64 addr = range->start; addr < range->end; addr += PAGE_SIZE)
			tlb_invlpgb(addr | INVLPGB_VA | INVLPGB_INCLUDE_GLOBAL);
	}
	tlb_tlbsync();
	return 0;
}

static bool broadcast_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	(void)cpu;
	(void)range;
	return false;
}

static __always_inline void broadcast_nothing(void)
{
}

static __always_inline u64 broadcast_nmi_enter(void)
{
	return 0;
}

static __always_inline void broadcast_nmi_exit(u64 saved)
{
	(void)saved;
}

DEFINE_POLICY_DOORS(broadcast, broadcast_nothing, broadcast_nothing, broadcast_nmi_enter,
		    broadcast_nmi_exit);

DEFINE_POLICY_TARGETS(broadcast);

const struct flush_policy policy_broadcast = {
	.name = "broadcast",
	.lineage = "Linux 6.15, AMD INVLPGB",
	.roots = ROOTS_ONE | ROOTS_TWO,
	.broadcast = true,
	.missing = broadcast_missing,
	.reset = broadcast_reset,
	.begin = broadcast_begin,
	.need_ipi = broadcast_need_ipi,
	.targets = broadcast_targets,
	.doors = POLICY_DOORS_ONE(broadcast),
	.doors_two = POLICY_DOORS_TWO(broadcast),
};
