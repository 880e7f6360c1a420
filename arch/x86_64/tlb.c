/* SPDX-License-Identifier: MIT */
/*
 * TLB primitives, see tlb.h. noinstr throughout: the drain of a deferred flush ends up here while
 * the CPU still holds stale translations.
 */
#include "arch/x86_64/tlb.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/roots.h"
#include "arch/x86_64/stale_copy.h"

u32 flush_detours __section(".entry.data");
u32 tlb_single_page_flush_ceiling __section(".entry.data") = 33;

noinstr void tlb_invlpg(u64 addr)
{
	__asm__ volatile("invlpg (%0)" ::"r"(addr) : "memory");
}

noinstr void tlb_write_cr3(void)
{
	write_cr3(read_cr3());
}

/*
 * Either write with a changed PGE bit flushes; two restore the register. An interrupt between the
 * two would run without global pages, harmless but slow; an interrupt that flushed by itself would
 * restore the wrong half, so interrupts are off. An NMI that flushes restores what it found.
 */
noinstr void tlb_toggle_pge(void)
{
	u64 flags = read_rflags();
	u64 cr4;

	local_irq_disable();
	cr4 = read_cr4();
	write_cr4(cr4 ^ CR4_PGE);
	write_cr4(cr4);
	if (flags & RFLAGS_IF)
		local_irq_enable();
}

noinstr void tlb_invpcid(enum invpcid_type type, u64 pcid, u64 addr)
{
	struct {
		u64 pcid, addr;
	} descriptor = {pcid, addr};

	__asm__ volatile("invpcid %1, %0" ::"r"((u64)type), "m"(descriptor) : "memory");
}

/* ECX: pages beyond the first, 0 here since CPUs differ in how many they take. EDX: any PCID. */
void tlb_invlpgb(u64 rax)
{
	__asm__ volatile(".byte 0x0f, 0x01, 0xfe" ::"a"(rax), "c"(0), "d"(0) : "memory");
}

void tlb_tlbsync(void)
{
	__asm__ volatile(".byte 0x0f, 0x01, 0xff" ::: "memory");
}

static __always_inline void drop_all(void)
{
	if (!cpu_features.pge)
		tlb_write_cr3();
	else if (cpu_features.invpcid)
		tlb_invpcid(INVPCID_ALL_GLOBAL, 0, 0);
	else
		tlb_toggle_pge();
}

noinstr void tlb_drop_all(void)
{
	drop_all();
}

/* DETOURS: flush_detours, or the constant 0, which leaves the usual flush without their tests. */
static __always_inline void flush_all(u64 issued, u32 detours)
{
	if (detours & DETOUR_STALE_COPY)
		stale_copy_sync(STALE_COVER_ALL);
	drop_all();
	this_cpu()->tlb.nr_tlb_local_flush_all++;
	if (!(detours & DETOUR_NO_STAMP))
		tlb_gen_cover_all(&this_cpu()->tlb_gen, issued);
}

static noinstr void flush_all_with_detours(u64 issued)
{
	flush_all(issued, flush_detours);
}

noinstr void __flush_tlb_all(void)
{
	u64 issued = tlb_gen_issued();

	if (unlikely(flush_detours))
		flush_all_with_detours(issued);
	else
		flush_all(issued, 0);
}

noinstr void flush_tlb_one_kernel(u64 addr)
{
	if (unlikely(flush_detours & DETOUR_STALE_COPY))
		stale_copy_sync_page(addr);
	tlb_invlpg(addr);
	this_cpu()->tlb.nr_tlb_local_flush_one++;
}

/*
 * INVLPG reaches the current PCID only. Ring 3's own root has another one (SDM Vol 3, 4.10.4.1).
 */
noinstr void flush_tlb_one_user_local(u64 addr)
{
	tlb_invlpg(addr);
	if (two_roots && cpu_features.pcid) {
		if (!cpu_features.invpcid) {
			__flush_tlb_all();
			return;
		}
		tlb_invpcid(INVPCID_ADDR, CR3_RING3_PCID, addr);
	}
	this_cpu()->tlb.nr_tlb_local_flush_one++;
}
