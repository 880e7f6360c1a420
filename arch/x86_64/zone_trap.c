/* SPDX-License-Identifier: MIT */
/*
 * The doors of zone=trap, see zone_trap.h. They stand around the policy's: on the way in behind its
 * enter hook, on the way out before its exit hook, so the hooks are watched too. All noinstr.
 *
 * On the way out the TLB is emptied, else what it holds would hide a touch. So there is nothing
 * stale in this mode, and the canary has no say in it. The flush is the mode's own: it counts and
 * stamps nothing, and what the policy did not flush is as lost as ever.
 *
 * A root is changed by the CPU that runs on it only: a task's belongs to one CPU, and on the
 * kernel's own no CPU is ever in ring 3. `absent` says what is wanted and is written first, the
 * entries follow. An NMI between the two makes the area present whatever it finds, and absent again
 * if that was wanted; the code under it then writes what it was about to write anyway. Doors nest
 * (#MC in an NMI's hook): what each found is a bit of `found`, pushed and popped like a stack.
 *
 * Nothing is flushed when the entries come back: what is not present is not cached.
 */
#include "arch/x86_64/zone_trap.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/doors.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/roots.h"
#include "arch/x86_64/tlb.h"
#include "arch/x86_64/zone.h"

enum zone_mode zone_mode;

/* The entries as they are when the area is there: the same in every root, and constant. */
static u64 present[VMALLOC_SLOTS] __section(".entry.data");
static struct door_ops inner __section(".entry.data");

/* The vmalloc area's entries in the kernel's root of the pair that this CPU runs on. */
static __always_inline u64 *slots(void)
{
	phys_addr_t root = read_cr3() & PTE_ADDR_MASK & ~CR3_RING3_ROOT;

	return (u64 *)(DIRECT_MAP_BASE + root) + VMALLOC_SLOT;
}

static __always_inline void note(struct zone_trap_cpu *zone, enum zone_event_kind kind)
{
	struct zone_event *event = &zone->events[zone->next++ % ZONE_EVENTS];

	event->kind = kind;
	event->entries = user_page(this_cpu()->cpu)->entries;
}

static __always_inline void make_present(struct zone_trap_cpu *zone)
{
	u64 *entry = slots();
	u64 flags = read_rflags();

	WRITE_ONCE(zone->absent, false);
	write_rflags(flags & ~RFLAGS_TF); /* the sweep has no room for so many positions */
	for (unsigned int i = 0; i < VMALLOC_SLOTS; i++)
		WRITE_ONCE(entry[i], present[i]);
	write_rflags(flags);
}

static __always_inline void make_absent(struct zone_trap_cpu *zone)
{
	u64 *entry = slots();
	u64 flags = read_rflags();

	WRITE_ONCE(zone->absent, true);
	write_rflags(flags & ~RFLAGS_TF);
	for (unsigned int i = 0; i < VMALLOC_SLOTS; i++)
		WRITE_ONCE(entry[i], zone->exempt ? zone->exempt[VMALLOC_SLOT + i] : 0);
	write_rflags(flags);
	tlb_drop_all();
}

static noinstr void trap_enter(void)
{
	struct zone_trap_cpu *zone = &this_cpu()->zone;

	inner.enter();
	note(zone, ZONE_ENTERED);
	make_present(zone);
}

static noinstr void trap_exit(void)
{
	struct zone_trap_cpu *zone = &this_cpu()->zone;

	note(zone, ZONE_EXITED);
	make_absent(zone);
	inner.exit();
}

/* A CPU that was in the kernel has the entries, unless trap_enter() is just writing them. */
static noinstr u64 trap_nmi_enter(void)
{
	struct zone_trap_cpu *zone = &this_cpu()->zone;
	u64 saved = inner.nmi_enter();

	zone->found = zone->found << 1 | zone->absent;
	if (zone->absent)
		note(zone, ZONE_NMI);
	make_present(zone);
	return saved;
}

static noinstr void trap_nmi_exit(u64 saved)
{
	struct zone_trap_cpu *zone = &this_cpu()->zone;
	bool absent = zone->found & 1;

	zone->found >>= 1;
	if (absent) {
		note(zone, ZONE_NMI_END);
		make_absent(zone);
	}
	inner.nmi_exit(saved);
}

void zone_trap_init(void)
{
	static const struct door_ops ops = {trap_enter, trap_exit, trap_nmi_enter, trap_nmi_exit};
	const u64 *top = phys_to_virt(kernel_root);

	for (unsigned int i = 0; i < VMALLOC_SLOTS; i++)
		present[i] = top[VMALLOC_SLOT + i];
	doors_wrap(&ops, &inner);
}

/* In tables of this CPU's own, which are never freed (R1); only their leaves come and go. */
void zone_trap_exempt(u64 start, u64 len)
{
	struct zone_trap_cpu *zone = &this_cpu()->zone;

	if (!zone->exempt_root)
		zone->exempt_root = paging_alloc_table();
	for (u64 va = start; va < start + len; va += PAGE_SIZE) {
		phys_addr_t pa;
		u64 flags;

		BUG_ON(!walk(kernel_root, va, &pa, &flags));
		if (!zone->exempt_root || map_page(zone->exempt_root, va, pa, flags & ~PTE_PRESENT))
			panic("zone=trap: memory is too short for the tables of a task's stack");
	}
	zone->exempt = phys_to_virt(zone->exempt_root);
}

void zone_trap_end_exempt(u64 start, u64 len)
{
	unmap_range_noflush(this_cpu()->zone.exempt_root, start, start + len);
	this_cpu()->zone.exempt = NULL;
}

bool zone_trap_struck(u64 addr)
{
	return zone_mode == ZONE_TRAP && this_cpu()->zone.absent && addr >= VMALLOC_START &&
	       addr < VMALLOC_END;
}

/* #DF's own door has made the area present; what it found is the lowest bit. */
bool zone_trap_in_zone(bool double_fault)
{
	const struct zone_trap_cpu *zone = &this_cpu()->zone;

	return zone_mode == ZONE_TRAP && (double_fault ? zone->found & 1 : zone->absent);
}
