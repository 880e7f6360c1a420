/* SPDX-License-Identifier: MIT */
/*
 * R2, R8 and R10 where they can be broken, see deferrable.h.
 *
 * By address (R2, R8): only the vmalloc area holds nothing that ring 3, a door or the CPU by itself
 * reaches. Everything else is refused, under the name of the rule that fits best.
 *
 * By entry (R2, R10): entries that the flush is for are clear by now, what they held is gone. But a
 * page that is still mapped in the range shows what its owner maps there: one that ring 3 may use,
 * or that is not write-back memory, will be unmapped one day, and that flush would be deferred. Two
 * nets. vmap() refuses such flags before it maps, and nothing else in mm/vmalloc.h takes flags.
 * That leaves entries changed behind its back, as by change_flags(): these are looked for here, in
 * the first pages of the range only. A purge covers all addresses from its lowest area to its
 * highest, easily 100,000 pages, mostly of areas that live and that the first net has seen; a flush
 * that is about one page or a few, as after a change of its memory type, begins with them.
 *
 * R1 cannot be seen here: a range does not tell that a table below it was unlinked, and a purge by
 * another CPU may rightly span a range whose table is being replaced. It is kept where a table is
 * given back: paging_free_table() wants a flush that is never deferred (pgtable_flush_owed()).
 *
 * The walk runs with interrupts off. Who replaces a table waits for an answer of every CPU before
 * it frees the old one, so no table is freed under our feet (as with Linux's lockless GUP).
 */
#include "mm/deferrable.h"

#include "arch/x86_64/area_name.h"
#include "arch/x86_64/irqflags.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "mm/tlbflush.h"

#define LOOK_AT_PAGES 64

static _Noreturn void refuse(const char *rule, u64 start, u64 end, const char *why,
			     const char *what)
{
	panic("%s: deferrable flush of %016lx-%016lx: %s%s", rule, start, end, why, what);
}

/* Why a flush must not be deferred: the rule, words, and an address of what they are about. */
struct objection {
	const char *rule; /* NULL: there is none */
	const char *why;
	u64 about;
};

static struct objection objection_to(u64 start, u64 end)
{
	u64 io = max(start, IO_BASE);

	if (implicitly_read(start, end))
		return (struct objection){"R8", "the CPU itself reads ", start};
	if (ring3_root_maps(start, end))
		return (struct objection){"R2", "ring 3's root maps pages of it, in ", start};
	if (start < IO_END && end > IO_BASE)
		return (struct objection){"R10", "it holds ", io};
	if (start < VMALLOC_START || end > VMALLOC_END)
		return (struct objection){"R8", "not in the vmalloc area but in ",
					  start < VMALLOC_START ? start : end - 1};
	return (struct objection){0};
}

const char *undeferrable_rule(u64 start, u64 end)
{
	return objection_to(start, end).rule;
}

static void check_addresses(u64 start, u64 end)
{
	struct objection objection = objection_to(start, end);

	if (objection.rule)
		refuse(objection.rule, start, end, objection.why, area_name(objection.about));
}

/* The flags of a leaf entry for VA that is present; 0 without one. */
static u64 present_flags(u64 va)
{
	unsigned int level;
	const pte_t *entry = lookup_pte(kernel_root, va, &level);
	pte_t value = entry ? __atomic_load_n(entry, __ATOMIC_ACQUIRE) : 0;

	return value & PTE_PRESENT ? value & PTE_CALLER_FLAGS : 0;
}

static void check_entries(u64 start, u64 end)
{
	u64 last = min(end, start + LOOK_AT_PAGES * PAGE_SIZE);
	u64 irqs = arch_local_irq_save();
	u64 flags = 0, va;

	for (va = start; va < last; va += PAGE_SIZE) {
		flags = present_flags(va) & (PTE_USER | PTE_PCD | PTE_PWT);
		if (flags)
			break;
	}
	arch_local_irq_restore(irqs);
	if (flags & PTE_USER)
		refuse("R2", start, end, "it holds a user-accessible page of ", area_name(va));
	if (flags)
		refuse("R10", start, end, "it holds memory that is not write-back, in ",
		       area_name(va));
}

void assert_deferrable(u64 start, u64 end)
{
	if (end == TLB_FLUSH_ALL)
		return;
	check_addresses(start, end);
	check_entries(start, end);
}
