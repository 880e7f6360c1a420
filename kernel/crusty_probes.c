/* SPDX-License-Identifier: MIT */
/*
 * The questions. Each round begins with world 0 and an empty TLB, brings a translation into it,
 * changes an entry, does something or nothing about it, and looks: the old number means that the
 * old translation was used. Interrupts are off; an NMI's handler touches none of this.
 *
 * SDM Vol 3: 4.10.2.2 (use of TLBs), 4.10.2.4 (global pages), 4.10.3 (paging-structure caches),
 * 4.10.4.1 (what each operation invalidates), 4.10.1 (PCIDs), 4.10.2.3 (fills by speculation and
 * prefetch).
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/roots.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/tlb.h"
#include "kernel/crusty.h"
#include "kernel/crusty_fills.h"
#include "kernel/crusty_tables.h"

#define PLAIN	   (PAGE_KERNEL & ~PTE_GLOBAL)
#define READ_ONLY  (PLAIN & ~PTE_WRITE)
#define OTHER_PCID 5UL

enum need { NEED_NOTHING, NEED_PGE, NEED_PCID, NEED_INVPCID, NEED_PGE_PCID };

struct probe {
	const char *name, *question;
	enum crusty_rule rule;
	enum need need;
	u64 flags;	      /* of the leaf */
	unsigned int change;  /* the level of the entry that is changed */
	u64 look;	      /* what is looked at: crusty_va(), index at that level */
	void (*act)(void);    /* between the change and the look; NULL: nothing */
	void (*before)(void); /* instead of touching the page; NULL: it is touched */
};

static const struct crusty_probes *asked;

static u64 first(void)
{
	return crusty_va(0, 0, 0);
}

/* --- What is done about it ---------------------------------------------------------------------
 */

static void act_invlpg(void)
{
	tlb_invlpg(first());
}

static void act_invlpg_beside(void)
{
	tlb_invlpg(crusty_va(0, 0, 7));
}

static void act_cr3(void)
{
	tlb_write_cr3();
}

static void act_pge(void)
{
	tlb_toggle_pge();
}

static void act_invpcid_addr(void)
{
	tlb_invpcid(INVPCID_ADDR, 0, first());
}

static void act_invpcid_all(void)
{
	tlb_invpcid(INVPCID_ALL_GLOBAL, 0, 0);
}

static void act_invpcid_non_global(void)
{
	tlb_invpcid(INVPCID_ALL_NON_GLOBAL, 0, 0);
}

static void to_other(void)
{
	write_cr3(read_cr3() | OTHER_PCID | CR3_NOFLUSH);
}

static void act_leave_and_return(void)
{
	u64 home = read_cr3();

	to_other();
	write_cr3(home | CR3_NOFLUSH);
}

static void act_leave_and_return_flushing(void)
{
	u64 home = read_cr3();

	to_other();
	write_cr3(home);
}

static void act_invlpg_from_other(void)
{
	u64 home = read_cr3();

	to_other();
	tlb_invlpg(first());
	write_cr3(home | CR3_NOFLUSH);
}

/* --- The table ---------------------------------------------------------------------------------
 */

#define LEAF(name, question, rule, need, flags, act)                                               \
	{                                                                                          \
		name, question, rule, need, flags, 1, 0, act, NULL                                 \
	}
#define UPPER(level, name, question, rule, act)                                                    \
	{                                                                                          \
		name, question, rule, NEED_NOTHING, PLAIN, level, 1, act, NULL                     \
	}
#define UNTOUCHED(name, question, rule, before)                                                    \
	{                                                                                          \
		name, question, rule, NEED_NOTHING, PLAIN, 1, 0, NULL, before                      \
	}

static const struct probe probes[] = {
	LEAF("none", "no flush", RULE_CONTROL, NEED_NOTHING, PLAIN, NULL),
	LEAF("invlpg", "INVLPG", RULE_GONE, NEED_NOTHING, PLAIN, act_invlpg),
	LEAF("invlpg-beside", "INVLPG of another page", RULE_OPEN, NEED_NOTHING, PLAIN,
	     act_invlpg_beside),
	LEAF("cr3", "CR3 write", RULE_GONE, NEED_NOTHING, PLAIN, act_cr3),
	LEAF("global-cr3", "global page, CR3 write", RULE_OPEN, NEED_PGE, PAGE_KERNEL, act_cr3),
	LEAF("global-invlpg", "global page, INVLPG", RULE_GONE, NEED_PGE, PAGE_KERNEL, act_invlpg),
	LEAF("global-pge", "global page, CR4.PGE toggled", RULE_GONE, NEED_PGE, PAGE_KERNEL,
	     act_pge),
	LEAF("invpcid-addr", "INVPCID of the address", RULE_GONE, NEED_INVPCID, PLAIN,
	     act_invpcid_addr),
	LEAF("global-invpcid-all", "global page, INVPCID of all", RULE_GONE, NEED_INVPCID,
	     PAGE_KERNEL, act_invpcid_all),
	LEAF("global-invpcid", "global page, INVPCID of all but global", RULE_OPEN, NEED_INVPCID,
	     PAGE_KERNEL, act_invpcid_non_global),
	LEAF("pcid-other", "another PCID, NOFLUSH", RULE_GONE, NEED_PCID, PLAIN, to_other),
	LEAF("global-pcid-other", "global page, another PCID, NOFLUSH", RULE_OPEN, NEED_PGE_PCID,
	     PAGE_KERNEL, to_other),
	LEAF("pcid-back", "another PCID and back, NOFLUSH", RULE_OPEN, NEED_PCID, PLAIN,
	     act_leave_and_return),
	LEAF("pcid-back-flush", "another PCID and back, no NOFLUSH", RULE_GONE, NEED_PCID, PLAIN,
	     act_leave_and_return_flushing),
	LEAF("pcid-invlpg", "INVLPG with another PCID", RULE_OPEN, NEED_PCID, PLAIN,
	     act_invlpg_from_other),
	UPPER(2, "pde", "PDE replaced, no flush", RULE_OPEN, NULL),
	UPPER(2, "pde-invlpg", "PDE replaced, INVLPG of another page", RULE_GONE,
	      act_invlpg_beside),
	UPPER(2, "pde-cr3", "PDE replaced, CR3 write", RULE_GONE, act_cr3),
	UPPER(3, "pdpte", "PDPTE replaced, no flush", RULE_OPEN, NULL),
	UPPER(4, "pml4e", "PML4E replaced, no flush", RULE_OPEN, NULL),
	UNTOUCHED("untouched", "never touched", RULE_OPEN, crusty_fill_nothing),
	UNTOUCHED("prefetch", "PREFETCHT0 only", RULE_OPEN, crusty_fill_prefetch),
	UNTOUCHED("branch", "behind a branch never taken", RULE_OPEN, crusty_fill_branch),
	UNTOUCHED("neighbour", "the pages behind it touched", RULE_OPEN, crusty_fill_neighbours),
};

static const char *missing(enum need need)
{
	if ((need == NEED_PGE || need == NEED_PGE_PCID) && !cpu_features.pge)
		return "no PGE";
	if ((need == NEED_PCID || need == NEED_PGE_PCID) && !cpu_features.pcid)
		return "no PCID";
	if (need == NEED_INVPCID && !cpu_features.invpcid)
		return "no INVPCID";
	return NULL;
}

/* With a level above the leaf, the neighbour at that level: the same tables up to there. */
static u64 look_at(const struct probe *probe)
{
	switch (probe->change) {
	case 2:
		return crusty_va(0, 0, probe->look);
	case 3:
		return crusty_va(0, probe->look, 0);
	case 4:
		return crusty_va(probe->look, 0, 0);
	default:
		return first();
	}
}

/* One round: true if the old translation was used. */
static bool kept(const struct probe *probe)
{
	u64 home = read_cr3();
	u64 number;

	crusty_tables_reset(probe->flags);
	tlb_drop_all();
	if (probe->before)
		probe->before();
	else if (asked->plant != CRUSTY_COLD)
		crusty_read(first());
	*crusty_entry(probe->change, 0) = crusty_entry_of(probe->change, 1, probe->flags);
	smp_mb();
	if (probe->act && asked->plant != CRUSTY_NO_FLUSH)
		probe->act();
	number = crusty_read(look_at(probe));
	if (read_cr3() != home)
		write_cr3(home | cr3_noflush);
	return number == 0;
}

/* --- Entries that are changed in kind, not in place --------------------------------------------
 */

/* Not present, then present: no fault may come of it (4.10.2.3: such entries are not cached). */
static bool absent_kept(void)
{
	crusty_tables_reset(PLAIN);
	*crusty_entry(1, 0) = 0;
	tlb_drop_all();
	crusty_read(first());
	*crusty_entry(1, 0) = crusty_entry_of(1, 1, PLAIN);
	smp_mb();
	return crusty_read(first()) == CRUSTY_FAULT;
}

/* Read-only, then writable: a fault for an old right may come (4.10.4.3). */
static bool read_only_kept(void)
{
	crusty_tables_reset(READ_ONLY);
	tlb_drop_all();
	crusty_read(first());
	*crusty_entry(1, 0) = crusty_entry_of(1, 0, PLAIN);
	smp_mb();
	return crusty_write(first(), 0) == CRUSTY_FAULT;
}

/* Writable, then read-only: the write may still be done. */
static bool writable_kept(void)
{
	crusty_tables_reset(PLAIN);
	tlb_drop_all();
	crusty_write(first(), 0);
	*crusty_entry(1, 0) = crusty_entry_of(1, 0, READ_ONLY);
	smp_mb();
	return crusty_write(first(), 0) != CRUSTY_FAULT;
}

/* A branch never taken sets the Accessed bit of what it would have read. */
static bool accessed_by_branch(void)
{
	crusty_tables_reset(PLAIN);
	*crusty_entry(1, 0) &= ~PTE_ACCESSED;
	tlb_drop_all();
	crusty_fill_branch();
	return *crusty_entry(1, 0) & PTE_ACCESSED;
}

static const struct {
	const char *name, *question;
	enum crusty_rule rule;
	bool (*kept)(void);
} special[] = {
	{"absent", "not present, then present: a fault", RULE_GONE, absent_kept},
	{"read-only", "read-only, then writable: a fault", RULE_OPEN, read_only_kept},
	{"writable", "writable, then read-only: a write", RULE_OPEN, writable_kept},
	{"branch-accessed", "Accessed set behind such a branch", RULE_OPEN, accessed_by_branch},
};

_Static_assert(ARRAY_SIZE(probes) + ARRAY_SIZE(special) == CRUSTY_ROWS, "a row each");

static struct crusty_row *add_row(struct crusty_probes *p, const char *name, const char *question,
				  enum crusty_rule rule)
{
	struct crusty_row *row = &p->rows[p->nr_rows++];

	*row = (struct crusty_row){.name = name, .question = question, .rule = rule};
	return row;
}

void crusty_probes_work(void *arg)
{
	struct crusty_probes *p = arg;
	u64 flags = local_irq_save();

	asked = p;
	for (u32 i = 0; i < ARRAY_SIZE(probes); i++) {
		struct crusty_row *row = add_row(p, probes[i].name, probes[i].question,
						 probes[i].rule);

		row->missing = missing(probes[i].need);
		for (; !row->missing && row->rounds < p->rounds; row->rounds++)
			row->kept += kept(&probes[i]);
	}
	for (u32 i = 0; i < ARRAY_SIZE(special); i++) {
		struct crusty_row *row = add_row(p, special[i].name, special[i].question,
						 special[i].rule);

		for (; row->rounds < p->rounds; row->rounds++)
			row->kept += special[i].kept();
	}
	crusty_tables_reset(PLAIN);
	tlb_drop_all();
	local_irq_restore(flags);
}
