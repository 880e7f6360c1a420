/* SPDX-License-Identifier: MIT */
/*
 * trace=entry and trace=drain: what is put around the doors. All noinstr, see trace.h.
 *
 * On the way in the record comes behind the policy's hook, on the way out before it: there the
 * kernel's root is loaded. A drain is what the hook has added to nr_drains. An NMI may strike
 * between the hook and our look, and drain and look itself; so the difference is claimed with one
 * CMPXCHG, and each drain stands in one record.
 *
 * These doors stand outside of all others: RSP at their start is the one that entry.asm calls with,
 * which is how the paranoid ones find the frame.
 */
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/doors.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/trace.h"

static struct door_ops inner __section(".entry.data");

/* What this CPU has flushed so far. */
struct flushes {
	u64 all, one;
};

static __always_inline struct flushes flushes_so_far(void)
{
	const struct tlb_counters *tlb = &this_cpu()->tlb;

	return (struct flushes){READ_ONCE(tlb->nr_tlb_local_flush_all),
				READ_ONCE(tlb->nr_tlb_local_flush_one)};
}

static __always_inline void record_drain(struct flushes before)
{
	struct percpu *cpu = this_cpu();
	u64 seen = READ_ONCE(cpu->trace.drains);
	u64 now = READ_ONCE(cpu->tlb.nr_drains);
	struct flushes after = flushes_so_far();

	while (seen != now) {
		if (__atomic_compare_exchange_n(&cpu->trace.drains, &seen, now, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			if (trace_on(TRACE_G_DRAIN))
				trace_write(TRACE_DRAIN, (u32)(now - seen), after.all - before.all,
					    after.one - before.one, cpu->tlb_gen.covered, 0);
			return;
		}
		now = READ_ONCE(cpu->tlb.nr_drains);
	}
}

static noinstr void traced_enter(void)
{
	const struct flushes before = flushes_so_far();
	const struct pt_regs *regs = (const struct pt_regs *)this_cpu()->user_frame;

	inner.enter();
	if (trace_on(TRACE_G_ENTRY))
		trace_write(TRACE_ENTRY, (u32)regs->vector, regs->rip,
			    user_page(this_cpu()->cpu)->entries, 0, 0);
	record_drain(before);
}

static noinstr void traced_exit(void)
{
	if (trace_on(TRACE_G_ENTRY))
		trace_write(TRACE_EXIT, 0, user_page(this_cpu()->cpu)->exits, 0, 0, 0);
	inner.exit();
}

static noinstr u64 traced_nmi_enter(void)
{
	const struct flushes before = flushes_so_far();
	/* Above our frame: the frame pointer saved here, the return address, the door's frame. */
	const struct pt_regs *regs = (const struct pt_regs *)((u64 *)__builtin_frame_address(0) +
							      2);
	u64 saved = inner.nmi_enter();

	if (trace_on(TRACE_G_ENTRY))
		trace_write(TRACE_NMI, (u32)regs->vector, regs->rip, regs->cs,
			    user_page(this_cpu()->cpu)->entries, 0);
	record_drain(before);
	return saved;
}

static noinstr void traced_nmi_exit(u64 saved)
{
	if (trace_on(TRACE_G_ENTRY))
		trace_write(TRACE_NMI_END, 0, 0, 0, 0, 0);
	inner.nmi_exit(saved);
}

void trace_doors_init(void)
{
	static const struct door_ops ops = {traced_enter, traced_exit, traced_nmi_enter,
					    traced_nmi_exit};

	doors_wrap(&ops, &inner);
}
