/* SPDX-License-Identifier: MIT */
/*
 * ledger: this project's own design. A generation counter with a ledger beside it: each purge
 * writes down, under its number, which pages it was about. A CPU that has missed a few small purges
 * looks them up at its entry and drops just those pages; after many, or large ones, it flushes all.
 *
 * What it has over the others of this folder:
 *  - the initiator writes nothing that belongs to an isolated CPU, and reads one flag of each,
 *    which stays in its cache while the CPU sleeps in ring 3: its cost hardly grows with sleepers;
 *  - no line is written by two isolated CPUs: each writes its own, initiators write the ledger;
 *  - nothing owed, no flush: an entry is one publication and one comparison;
 *  - the publication costs no LOCKed operation with two roots: the CR3 write that switches the root
 *    serializes, and so is the barrier between the flag and the look at the counter;
 *  - the drain is as precise as the ledger is long.
 *
 *	initiator			target, entry
 *	clear PTEs			in_kernel := 1; XCHG, or the CR3 write
 *	number := newest++ (LOCKed)	read newest: not what was seen?
 *	write the entry of `number`	  entries seen+1..newest all there and small: INVLPG each
 *	in_kernel 0: no IPI		  else: flush all
 *					seen := newest; touch vmalloc
 *
 * Why it is right. As in generation.c: both sides write, pass a full barrier and read, so a purge
 * that saw in_kernel 0 has a number that the target's look finds. Its entry may not be written yet,
 * or be overwritten by a purge one round of the ledger later: an entry names its number, before and
 * after it was read, and one that does not name the number looked for counts as large. The flush of
 * everything covers it, since its PTEs were cleared before its number was taken.
 *
 * Order of the stores to an entry: its name is taken off (0), then pages, then the name (TSO keeps
 * this order; a target loads in the opposite one). Two purges never write one entry at once unless
 * one sleeps while LEDGER_ENTRIES others pass; then the name of the older may cover pages of the
 * newer for a moment. So a writer takes an entry over by CMPXCHG from an older name to BUSY, and
 * who does not get it leaves it: it stays without the right name, which means large.
 *
 * NMIs (R6): in_kernel is saved and put back; an NMI that finds the counter ahead of `seen` flushes
 * everything for itself and leaves `seen` and the ledger to the entry under it.
 */
#include "mm/policy/ops.h"
#include "mm/policy/policy.h"

#define LEDGER_ENTRIES policy_size(16, 2) /* a power of two */
#define BUSY	       (~0UL)

struct ledger_entry {
	u64 number; /* whose entry this is; BUSY while it is written */
	u64 start;
	u64 end;
	u64 generation; /* what the pages' flush is to be booked as */
};

struct ledger_own {
	u32 in_kernel;
	u64 seen;
};

static u64 newest __policy_global;
static struct ledger_entry ledger[LEDGER_ENTRIES] __policy_global;

static void ledger_reset(unsigned int cpu)
{
	*remote_own(cpu, struct ledger_own) = (struct ledger_own){1, word_read(&newest)};
}

static u64 ledger_begin(const struct flush_range *range)
{
	u64 number = word_add_return(&newest, 1);
	struct ledger_entry *entry = &ledger[number % LEDGER_ENTRIES];
	u64 old = word_read(&entry->number);

	if (range->full)
		return number; /* without an entry it is large */
	while (old < number) { /* BUSY, and any newer name, are not */
		if (!word_try_cmpxchg(&entry->number, &old, BUSY))
			continue;
		word_write(&entry->start, range->start);
		word_write(&entry->end, range->end);
		word_write(&entry->generation, range->generation);
		word_write(&entry->number, number);
		break;
	}
	return number;
}

static bool ledger_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	(void)range;
	return word_read(&remote_own(cpu, struct ledger_own)->in_kernel);
}

static void ledger_flushed(const struct flush_range *range)
{
	u64 seen = own_read(struct ledger_own, seen);

	if (range->ticket == seen + 1 || (range->full && range->ticket > seen))
		own_write(struct ledger_own, seen, range->ticket);
}

/* The entry of NUMBER, whole; false if it is not there. */
static __always_inline bool look_up(u64 number, struct ledger_entry *out)
{
	const struct ledger_entry *entry = &ledger[number % LEDGER_ENTRIES];

	if (word_read_acquire(&entry->number) != number)
		return false;
	out->start = word_read_acquire(&entry->start);
	out->end = word_read_acquire(&entry->end);
	out->generation = word_read_acquire(&entry->generation);
	return word_read(&entry->number) == number;
}

/*
 * Two passes: what is found large in the middle would make the INVLPGs before it wasted work. The
 * second pass looks each entry up again, and a flush of everything is always right.
 */
static __always_inline void flush_missed(u64 seen, u64 now)
{
	u64 ceiling = (u64)tlb_single_page_flush_ceiling << PAGE_SHIFT;
	struct ledger_entry entry;
	u64 bytes = 0;

	if (now - seen > LEDGER_ENTRIES)
		goto all;
	for (u64 number = seen + 1; number <= now; number++) {
		if (!look_up(number, &entry))
			goto all;
		bytes += entry.end - entry.start;
	}
	if (bytes > ceiling)
		goto all;
	if (!drain_begin_local())
		return;
	for (u64 number = seen + 1; number <= now; number++) {
		if (!look_up(number, &entry)) {
			__flush_tlb_all();
			return;
		}
		flush_range_local(entry.start, entry.end, entry.generation);
	}
	return;
all:
	drain_all_local();
}

static noinstr void ledger_catch_up(u64 now)
{
	flush_missed(own_read(struct ledger_own, seen), now);
	own_write(struct ledger_own, seen, now);
}

static __always_inline void ledger_compare(void)
{
	u64 now = word_read(&newest);

	if (unlikely(own_differs(struct ledger_own, seen, now)))
		ledger_catch_up(now);
}

static __always_inline void ledger_nmi_compare(void)
{
	if (own_differs(struct ledger_own, seen, word_read(&newest)))
		__flush_tlb_all();
}

/* --- One root ------------------------------------------------------------------------------- */

static noinstr void ledger_enter_one(void)
{
	own_xchg(struct ledger_own, in_kernel, 1);
	ledger_compare();
}

static noinstr void ledger_exit_one(void)
{
	own_write(struct ledger_own, in_kernel, 0);
}

static noinstr u64 ledger_nmi_enter_one(void)
{
	u64 saved = own_xchg(struct ledger_own, in_kernel, 1);

	ledger_nmi_compare();
	return saved;
}

static noinstr void ledger_nmi_exit_one(u64 saved)
{
	own_write(struct ledger_own, in_kernel, (u32)saved & 1);
}

/* --- Two roots ------------------------------------------------------------------------------ */

static noinstr void ledger_enter_two(void)
{
	own_write(struct ledger_own, in_kernel, 1);
	switch_root_noflush(ROOT_KERNEL); /* the barrier */
	ledger_compare();
}

static noinstr void ledger_exit_two(void)
{
	own_write(struct ledger_own, in_kernel, 0);
	switch_root_noflush(ROOT_RING3);
}

static noinstr u64 ledger_nmi_enter_two(void)
{
	u64 saved = own_xchg(struct ledger_own, in_kernel, 1) & 1;

	if (on_ring3_root()) {
		switch_root_noflush(ROOT_KERNEL);
		saved |= 2;
	}
	ledger_nmi_compare();
	return saved;
}

static noinstr void ledger_nmi_exit_two(u64 saved)
{
	own_write(struct ledger_own, in_kernel, (u32)saved & 1);
	if (saved & 2)
		switch_root_noflush(ROOT_RING3);
}

const struct flush_policy policy_ledger = {
	.name = "ledger",
	.lineage = "this project's own",
	.roots = ROOTS_ONE | ROOTS_TWO,
	.defers = true,
	.reset = ledger_reset,
	.begin = ledger_begin,
	.need_ipi = ledger_need_ipi,
	.flushed = ledger_flushed,
	.doors = {ledger_enter_one, ledger_exit_one, ledger_nmi_enter_one, ledger_nmi_exit_one},
	.doors_two = {ledger_enter_two, ledger_exit_two, ledger_nmi_enter_two, ledger_nmi_exit_two},
};
