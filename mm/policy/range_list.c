/* SPDX-License-Identifier: MIT */
/*
 * range-list: Petr Tesarik's suggestion on v3 (December 2024): remember a few ranges for each CPU
 * and flush everything only when there are too many. The gate is watching's. The sketch in the
 * lineage (P9) sets the work bit before the address is there, and lets a late writer overwrite the
 * next epoch's slot. Here:
 *
 *  - A slot is claimed and the work recorded by one CMPXCHG of the CPU's word, which counts the
 *    claims; it fails if the CPU is watching. More claims than slots: FULL.
 *  - A slot is one 64-bit word: page, number of pages, and the low bits of the purge's number. It
 *    is filled by CMPXCHG from "empty, in this epoch". A slot that is claimed and not filled yet is
 *    met empty at the entry, which then flushes everything; a writer that comes after that finds
 *    the slot empty in another epoch, and its CMPXCHG fails. That loses nothing: its PTEs were
 *    clear before its claim, and the flush of everything came after it.
 *  - The epoch is the target's own and changes at each drain, before the CPU may be claimed again.
 *
 * The claim and the counter's parity move in one word, so state-bits' two cases hold for each
 * claim (R4, R5). Claims are taken away on the way out to ring 3 only, as work bits are.
 *
 * NMIs (R6): out of ring 3 one drains everything and ends the epoch; in the kernel, if claims are
 * there, it flushes everything for itself and leaves slots and epoch to the entry under it.
 */
#include "mm/policy/ops.h"
#include "mm/policy/policy.h"
#include "mm/policy/policy_targets.h"

#include "arch/x86_64/layout.h"
#include "mm/tlbflush.h"

/* The word: parity in bit 16 as in context_tracking.h, claims below. */
#define CLAIM_ONE   1U
#define CLAIMS	    0xffU
#define FULL	    0x100U
#define OWED	    (CLAIMS | FULL)
#define COUNTER_ONE (1U << 16)
#define WATCHING    COUNTER_ONE

#define SLOTS policy_size(6, 1) /* in one cache line with the word and the epoch */

/* A filled slot: page number in the vmalloc area, pages (1..33), low bits of the number. */
#define SLOT_PAGE_BITS	33
#define SLOT_COUNT_BITS 6
#define SLOT_GEN_BITS	(64 - SLOT_PAGE_BITS - SLOT_COUNT_BITS)
#define SLOT_COUNT_MAX	33

struct range_list {
	u32 word;
	u32 epoch; /* written by the CPU itself, read by claimers */
	u64 slot[SLOTS];
};

_Static_assert(sizeof(struct range_list) <= CACHE_LINE, "a policy has one shared line");

/* Empty: a count of 0, and the epoch where the page would be. */
static __always_inline u64 empty_slot(u32 epoch)
{
	return epoch;
}

static __always_inline u64 slot_count(u64 slot)
{
	return slot >> SLOT_PAGE_BITS & ((1U << SLOT_COUNT_BITS) - 1);
}

static void range_list_reset(unsigned int cpu)
{
	struct range_list *list = remote_words(cpu, struct range_list);

	*list = (struct range_list){.word = WATCHING};
	for (u32 i = 0; i < SLOTS; i++)
		list->slot[i] = empty_slot(list->epoch);
}

/* 0 if it does not fit: many pages, or everything. */
static u64 pack(const struct flush_range *range)
{
	u64 pages = (range->end - range->start) / PAGE_SIZE;

	if (range->full || pages > SLOT_COUNT_MAX)
		return 0;
	return (range->start - VMALLOC_START) / PAGE_SIZE | pages << SLOT_PAGE_BITS |
	       range->generation << (SLOT_PAGE_BITS + SLOT_COUNT_BITS);
}

/*
 * The epoch is read before the claim: if the claim then succeeds although the epoch has changed in
 * between, the CMPXCHG of the slot fails, and the slot stays empty: a flush of everything.
 */
static bool range_list_need_ipi(unsigned int cpu, const struct flush_range *range)
{
	struct range_list *list = remote_words(cpu, struct range_list);
	u64 slot = pack(range);
	u64 empty = empty_slot(word_read_acquire(&list->epoch));
	u32 old = word_read(&list->word) & ~WATCHING;
	u32 new;

	do {
		if (slot && (old & CLAIMS) < SLOTS)
			new = old + CLAIM_ONE;
		else
			new = old | FULL;
		if (word_try_cmpxchg(&list->word, &old, new)) {
			if (!(new &FULL))
				word_try_cmpxchg(&list->slot[old & CLAIMS], &empty, slot);
			return false;
		}
	} while (!(old & WATCHING));
	return true;
}

/* The number whose low bits a slot has: the newest such that has been issued. */
static __always_inline u64 slot_generation(u64 slot, u64 issued)
{
	u64 mask = (1UL << SLOT_GEN_BITS) - 1;
	u64 low = slot >> (SLOT_PAGE_BITS + SLOT_COUNT_BITS);

	return issued - ((issued - low) & mask);
}

static __always_inline void flush_slot(u64 slot, u64 issued)
{
	u64 start = VMALLOC_START + (slot & ((1UL << SLOT_PAGE_BITS) - 1)) * PAGE_SIZE;

	flush_range_local(start, start + slot_count(slot) * PAGE_SIZE,
			  slot_generation(slot, issued));
}

static __always_inline void next_epoch(struct range_list *list)
{
	u32 epoch = word_read(&list->epoch) + 1;

	for (u32 i = 0; i < SLOTS; i++)
		word_write(&list->slot[i], empty_slot(epoch));
	word_write(&list->epoch, epoch);
}

/* OWED bits of WORD were found at an edge from ring 3. */
static noinstr void range_list_drain(u32 word)
{
	struct range_list *list = this_words(struct range_list);
	u64 issued = tlb_gen_issued();
	u64 slot[SLOTS];
	u32 claims = min(word & CLAIMS, (u32)SLOTS); /* never more: said for tools/zone.py */
	bool all = word & FULL || (word & CLAIMS) > SLOTS;

	for (u32 i = 0; i < claims && !all; i++) {
		slot[i] = word_read_acquire(&list->slot[i]);
		all = slot_count(slot[i]) == 0;
	}
	if (all) {
		drain_all_local();
	} else if (drain_begin_local()) {
		for (u32 i = 0; i < claims; i++)
			flush_slot(slot[i], issued);
	}
	next_epoch(list);
}

static __always_inline void range_list_enter(void)
{
	u32 word = this_add_return(struct range_list, word, COUNTER_ONE);

	if (unlikely(word & OWED))
		range_list_drain(word);
}

static __always_inline void range_list_exit(void)
{
	u32 old = this_read(struct range_list, word);

	while (!this_try_cmpxchg(struct range_list, word, &old, (old & ~OWED) + COUNTER_ONE))
		;
}

static __always_inline u64 range_list_nmi_enter(void)
{
	u32 word = this_read(struct range_list, word);

	if (!(word & WATCHING)) {
		word = this_add_return(struct range_list, word, COUNTER_ONE);
		if (word & OWED)
			range_list_drain(word | FULL);
		return 1;
	}
	if (word & OWED)
		__flush_tlb_all();
	return 0;
}

static __always_inline void range_list_nmi_exit(u64 moved)
{
	if (moved)
		range_list_exit();
}

DEFINE_POLICY_DOORS(range_list, range_list_enter, range_list_exit, range_list_nmi_enter,
		    range_list_nmi_exit);

DEFINE_POLICY_TARGETS(range_list);

const struct flush_policy policy_range_list = {
	.name = "range-list",
	.lineage = "Petr Tesarik's suggestion",
	.words = parity_words,
	.roots = ROOTS_ONE | ROOTS_TWO,
	.defers = true,
	.reset = range_list_reset,
	.need_ipi = range_list_need_ipi,
	.targets = range_list_targets,
	.doors = POLICY_DOORS_ONE(range_list),
	.doors_two = POLICY_DOORS_TWO(range_list),
};
