/* SPDX-License-Identifier: MIT */
/*
 * run=flush: each way that this CPU has to forget a translation: its instructions, its time, and
 * what it drops, told without a clock: Accessed bits of PAGES global pages are cleared, the pages
 * are touched, and the bits that come back are those whose translation had to be walked for again
 * (the method of canary.c). The time that these touches take is the cost of the refill.
 *
 * SDM Vol 3, 4.10.4.1: INVLPG drops one page, a CR3 write no global page, a toggle of CR4.PGE and
 * INVPCID of all contexts everything. QEMU's TCG drops global pages at a CR3 write, too.
 * Times mean something on a real machine only. No parameters.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/insn_count.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/tlb.h"
#include "kernel/console.h"
#include "kernel/exp.h"
#include "kernel/report_lines.h"
#include "mm/vmalloc.h"

#define PAGES 32
#define TIMED 16

static struct exp experiment;
static volatile u8 *memory; /* PAGES pages of the vmalloc area */

static void by_invlpg(void *unused)
{
	(void)unused;
	tlb_invlpg((u64)memory);
}

static void by_cr3(void *unused)
{
	(void)unused;
	tlb_write_cr3();
}

static void by_pge(void *unused)
{
	(void)unused;
	tlb_toggle_pge();
}

static void by_invpcid_addr(void *unused)
{
	(void)unused;
	tlb_invpcid(INVPCID_ADDR, 0, (u64)memory);
}

static void by_invpcid_single(void *unused)
{
	(void)unused;
	tlb_invpcid(INVPCID_SINGLE, 0, 0);
}

static void by_invpcid_all(void *unused)
{
	(void)unused;
	tlb_invpcid(INVPCID_ALL_GLOBAL, 0, 0);
}

static void by_nothing(void *unused)
{
	(void)unused;
}

static bool always(void)
{
	return true;
}

static bool has_pge(void)
{
	return cpu_features.pge;
}

static bool has_invpcid(void)
{
	return cpu_features.invpcid;
}

/*
 * LEAST..MOST of the pages have to be dropped. An INVPCID of one address keeps global ones. A TLB
 * may also evict by itself, so a few may be gone without any flush.
 */
static const struct way {
	const char *name;
	bool (*there)(void);
	void (*flush)(void *unused);
	u32 least, most;
} ways[] = {
	{"nothing", always, by_nothing, 0, PAGES / 8},
	{"invlpg", always, by_invlpg, 1, PAGES},
	{"cr3", always, by_cr3, 0, PAGES},
	{"pge", has_pge, by_pge, PAGES, PAGES},
	{"invpcid_addr", has_invpcid, by_invpcid_addr, 0, PAGES},
	{"invpcid_single", has_invpcid, by_invpcid_single, 0, PAGES},
	{"invpcid_all", has_invpcid, by_invpcid_all, PAGES, PAGES},
};

struct flush_cost {
	u64 instructions;
	u64 tsc, refill_tsc; /* the shortest */
	u32 refilled;
};

static pte_t *entry_of(u32 page)
{
	unsigned int level;

	return lookup_pte(kernel_root, (u64)memory + page * PAGE_SIZE, &level);
}

static void touch_all(void)
{
	for (u32 page = 0; page < PAGES; page++)
		(void)memory[page * PAGE_SIZE];
}

/* Fills the TLB, takes the Accessed bits away behind its back, flushes, and looks. */
static void try_once(const struct way *way, struct flush_cost *cost)
{
	u64 flags = local_irq_save();
	u64 start, flushed, refilled;
	u32 came_back = 0;

	touch_all();
	for (u32 page = 0; page < PAGES; page++)
		__atomic_fetch_and(entry_of(page), ~PTE_ACCESSED, __ATOMIC_SEQ_CST);
	start = rdtsc_ordered();
	way->flush(NULL);
	flushed = rdtsc_ordered();
	touch_all();
	refilled = rdtsc_ordered();
	for (u32 page = 0; page < PAGES; page++)
		came_back += (READ_ONCE(*entry_of(page)) & PTE_ACCESSED) != 0;
	local_irq_restore(flags);
	__flush_tlb_all(); /* who finds the bit clear later shall walk */
	cost->tsc = min(cost->tsc, flushed - start);
	cost->refill_tsc = min(cost->refill_tsc, refilled - flushed);
	cost->refilled = min(cost->refilled, came_back);
}

static void run_way(struct exp *e, const struct way *way)
{
	struct flush_cost cost = {.tsc = ~0UL, .refill_tsc = ~0UL, .refilled = PAGES};
	struct json *j;

	if (!way->there()) {
		report_line(console_write, "%-15s this CPU has it not", way->name);
		return;
	}
	for (u32 i = 0; i < TIMED; i++)
		try_once(way, &cost);
	cost.instructions = insn_count(way->flush, NULL).instructions;
	if (cost.refilled < way->least || cost.refilled > way->most)
		exp_fail(e, "%s: %u of %u pages were dropped, not %u to %u", way->name,
			 cost.refilled, PAGES, way->least, way->most);
	j = exp_record(e, "flush", NULL);
	json_string(j, "way", way->name);
	json_u64(j, "pages", PAGES);
	json_u64(j, "dropped", cost.refilled);
	json_u64(j, "instructions", cost.instructions);
	json_u64(j, "tsc_min", cost.tsc);
	json_u64(j, "refill_tsc_min", cost.refill_tsc);
	exp_record_end(e);
	report_line(console_write, "%-15s %12lu %10u %10lu %10lu", way->name, cost.instructions,
		    cost.refilled, cost.tsc, cost.refill_tsc);
}

enum ending run_flush(const struct setup *setup)
{
	static const char *const known[] = {NULL};
	char err[OPTIONS_ERROR_MAX];

	if (!run_only_knows(&setup->options->run, known, err, sizeof(err)) ||
	    !exp_begin(&experiment, "flush", setup, DEFAULT_SOUND, err, sizeof(err)))
		return refuse(err);
	memory = vmalloc(PAGES * PAGE_SIZE);
	if (!memory)
		return refuse("run=flush: memory is too short");
	report_line(console_write, "%s", "");
	report_line(console_write, "flush: what is dropped of %u global pages, and TSC ticks",
		    PAGES);
	report_line(console_write, "%-15s %12s %10s %10s %10s", "Way", "Instructions", "Dropped",
		    "Flush", "Refill");
	for (u32 i = 0; i < ARRAY_SIZE(ways); i++)
		run_way(&experiment, &ways[i]);
	vfree((const void *)memory);
	return exp_end(&experiment);
}
