/* SPDX-License-Identifier: MIT */
/*
 * What a policy does when work is owed: see ops.h. noinstr, interrupts off, any stale translation
 * may still be in the TLB.
 */
#include "arch/x86_64/stale_copy.h"
#include "mm/policy/ops.h"

noinstr bool drain_begin_local(void)
{
	struct percpu *cpu = this_cpu();

	cpu->tlb.nr_drains++;
	cpu->covered_at_drain = cpu->tlb_gen.covered;
	return likely(!(broken & BREAK_DRAIN));
}

noinstr void drain_all_local(void)
{
	if (drain_begin_local())
		__flush_tlb_all();
}

noinstr void flush_range_local(u64 start, u64 end, u64 generation)
{
	for (u64 addr = start; addr < end; addr += PAGE_SIZE)
		flush_tlb_one_kernel(addr);
	tlb_gen_cover_one(&this_cpu()->tlb_gen, generation);
}

/*
 * The purges that the write covers are those issued before it: read first. Between the write and
 * the booking an NMI finds the kernel's root and, by right, no reason to flush: so what the write
 * is good for is noted before it, and an NMI that interrupted the kernel's root books it
 * (handle_paranoid_entry()). From ring 3's root only: elsewhere CR3 does not tell whether it was.
 *
 * With zone=stale the copy comes first, on whatever root this is: the write of CR3 is the flush.
 * DETOURS: flush_detours, or the constant 0, which leaves the usual flush without their tests.
 */
static __always_inline void flush_by_switch(u64 issued, u32 detours)
{
	bool stamp = !(detours & DETOUR_NO_STAMP);

	if (detours & DETOUR_STALE_COPY)
		stale_copy_sync(STALE_COVER_NON_GLOBAL);
	if (on_ring3_root() && stamp)
		this_cpu()->root_switch_covers = issued;
	switch_root_flush(ROOT_KERNEL);
	this_cpu()->tlb.nr_tlb_local_flush_all++;
	if (stamp)
		tlb_gen_cover_all(&this_cpu()->tlb_gen, issued);
}

static noinstr void flush_with_detours(u64 issued)
{
	flush_by_switch(issued, flush_detours);
}

noinstr void flush_by_root_switch_local(void)
{
	u64 issued = tlb_gen_issued();

	if (unlikely(flush_detours))
		flush_with_detours(issued);
	else
		flush_by_switch(issued, 0);
}

noinstr void drain_by_root_switch_local(void)
{
	if (drain_begin_local())
		flush_by_root_switch_local();
	else
		switch_root_noflush(ROOT_KERNEL);
}

noinstr void flush_by_cr3_local(void)
{
	u64 issued = tlb_gen_issued();

	if (unlikely(flush_detours & DETOUR_STALE_COPY))
		stale_copy_sync(STALE_COVER_NON_GLOBAL);
	tlb_write_cr3();
	this_cpu()->tlb.nr_tlb_local_flush_all++;
	tlb_gen_cover_all(&this_cpu()->tlb_gen, issued);
}
