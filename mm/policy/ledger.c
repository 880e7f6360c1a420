/* SPDX-License-Identifier: MIT */
/*
 * ledger: this project's own design. A generation counter with a ledger beside it: each purge
 * writes down, under its number, which pages it was about. A CPU that has missed a few small purges
 * looks them up at its entry and drops just those pages; after many, or large ones, it flushes all.
 *
 * What it has over the others of this folder:
 *  - the initiator writes nothing that belongs to an isolated CPU. Of one that was awake lately it
 *    reads a flag; those that sleep through several purges are put on a list, a bit each, and cost
 *    it a look at one word for 64 of them: its cost does not grow with the CPUs that sleep long;
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
 * The list of sleepers. A bit of asleep[] says: this CPU is in ring 3, and takes the bit away, with
 * a LOCKed operation, before it looks at the counter on its way in. So an initiator that took its
 * number and then read the bit may leave the CPU alone without looking at it: the CPU's look comes
 * behind its taking the bit away, hence behind the number. Only the CPU itself, which always looks
 * whether it is listed behind its barrier, and one initiator at a time, the lister, write bits:
 *
 *	lister (one at a time)		target, entry
 *	in_kernel 0, missed others too?	in_kernel := 1; barrier
 *	set the bit (LOCKed)		the bit is set? clear it (LOCKed)
 *	in_kernel still 0: listed	read newest ...
 *	  else clear the bit, IPI
 *
 * Again both sides write, pass a barrier and read: if the lister reads 0 the second time, the CPU's
 * next entry finds the bit. Between its set and its second look the bit may be wrong, about a CPU
 * that has entered without seeing it. Nobody believes it then: bits are believed by the lister
 * alone, and who did not get that place looks at every CPU's flag, as if there were no list. A CPU
 * is listed when it has missed an earlier purge, too: one that enters often stays off the list.
 *
 * NMIs (R6): in_kernel is saved and put back; an NMI that finds the counter ahead of `seen` flushes
 * everything for itself and leaves `seen` and the ledger to the entry under it. It takes the CPU
 * off the list, whatever it struck: its purges are owed no less for that.
 */
#include "mm/policy/ops.h"
#include "mm/policy/policy.h"

#define LEDGER_ENTRIES policy_size(16, 2) /* a power of two */
#define BUSY	       (~0UL)
/* So many purges it must have missed before; none when explored, where there are few. */
#define MISSED_BEFORE policy_size(1, 0)
#define SLEEPER_WORDS policy_size(MAX_CPUS / 64, 1)

_Static_assert(POLICY_RING % LEDGER_ENTRIES == 0, "once round it is not the same place");

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
static u64 lister __policy_global; /* the number of the purge that may list sleepers; 0: none */
static u64 asleep[SLEEPER_WORDS] __policy_global;
static struct ledger_entry ledger[LEDGER_ENTRIES] __policy_global;

/* CPU's bit of asleep[] is number CPU % 64 in this word. The remainder is for make zone's proof. */
static __always_inline u64 *group_of(unsigned int cpu)
{
	return &asleep[cpu / 64 % SLEEPER_WORDS];
}

static void ledger_reset(unsigned int cpu)
{
	*remote_own(cpu, struct ledger_own) = (struct ledger_own){1, word_read(&newest)};
	*group_of(cpu) = 0;
	lister = 0;
}

static __always_inline void unlist(unsigned int cpu)
{
	word_and(group_of(cpu), ~BIT(cpu % 64));
}

/* This CPU, behind its barrier. */
static __always_inline void wake(void)
{
	unsigned int cpu = policy_cpu();

	if (unlikely(word_read(group_of(cpu)) & BIT(cpu % 64)))
		unlist(cpu);
}

static u64 ledger_begin(const struct flush_range *range)
{
	u64 number = word_add_return(&newest, 1);
	struct ledger_entry *entry = &ledger[number % LEDGER_ENTRIES];
	u64 old = word_read(&entry->number);
	u64 nobody = 0;

	word_try_cmpxchg(&lister, &nobody, number);
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

/* The lister's answer for a CPU that is not on the list. */
static bool ask_and_list(unsigned int cpu, u64 number)
{
	const struct ledger_own *own = remote_own(cpu, struct ledger_own);

	if (word_read(&own->in_kernel))
		return true;
	if (word_read(&own->seen) + MISSED_BEFORE >= number)
		return false;
	word_or(group_of(cpu), BIT(cpu % 64));
	if (!word_read(&own->in_kernel))
		return false;
	unlist(cpu);
	return true;
}

static bool ledger_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	if (word_read(&lister) != range->ticket)
		return word_read(&remote_own(cpu, struct ledger_own)->in_kernel);
	return !(word_read(group_of(cpu)) & BIT(cpu % 64)) && ask_and_list(cpu, range->ticket);
}

/* The same for all, without a look at those on the list. */
static void ledger_targets(const struct flush_range *range, struct cpumask *mask)
{
	bool listing = word_read(&lister) == range->ticket;
	unsigned int nr = nr_online_cpus();

	for (unsigned int first = 0; first < nr; first += 64) {
		u64 awake = nr - first < 64 ? BIT(nr - first) - 1 : ~0UL;

		if (listing)
			awake &= ~word_read(group_of(first));
		for (; awake; awake &= awake - 1) {
			unsigned int cpu = first + (unsigned int)__builtin_ctzl(awake);

			if (ledger_need_ipi(cpu, range))
				cpumask_set(mask, cpu);
		}
	}
}

static void ledger_flushed(const struct flush_range *range)
{
	u64 seen = own_read(struct ledger_own, seen);

	/* The initiator flushes itself when it has asked about everybody. */
	if (range->initiator == policy_cpu() && range->ticket &&
	    word_read(&lister) == range->ticket)
		word_write(&lister, 0);
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
	wake();
	ledger_compare();
}

static noinstr void ledger_exit_one(void)
{
	own_write(struct ledger_own, in_kernel, 0);
}

static noinstr u64 ledger_nmi_enter_one(void)
{
	u64 saved = own_xchg(struct ledger_own, in_kernel, 1);

	wake();
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
	wake();
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
	wake();
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
	.words = in_kernel_words,
	.roots = ROOTS_ONE | ROOTS_TWO,
	.defers = true,
	.reset = ledger_reset,
	.begin = ledger_begin,
	.need_ipi = ledger_need_ipi,
	.targets = ledger_targets,
	.flushed = ledger_flushed,
	.doors = {ledger_enter_one, ledger_exit_one, ledger_nmi_enter_one, ledger_nmi_exit_one},
	.doors_two = {ledger_enter_two, ledger_exit_two, ledger_nmi_enter_two, ledger_nmi_exit_two},
};
