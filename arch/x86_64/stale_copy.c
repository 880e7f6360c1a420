/* SPDX-License-Identifier: MIT */
/*
 * The copies, see stale_copy.h. They map by 4 KiB pages, 2 MiB pages too (a TLB may cut them, SDM
 * Vol 3 4.10.2.3), and their tables are never freed: whatever becomes of the live tables, a copy
 * never points to a table that is gone (R1). To frames that were freed it does: that is the point.
 *
 * Words: a page is dirty in a copy when its entry is present and may be another than the live one.
 *
 *	initiator, for each CPU			the CPU, in a flush
 *	live entry := new or clear		dirty bit := 0
 *	full barrier				copy := live entry (XCHG)
 *	copy present, another: dirty bit := 1	live entry another by now: once more
 *	copy clear, live present: copy := live
 *
 * The initiator writes the live entry and then looks at the copy, the CPU writes the copy and then
 * looks at the live entry, with full barriers between: one of them sees the other, so no copy stays
 * clear where the live entry is present. The CPU takes the dirty bit before it looks, the initiator
 * sets it after it has written: an entry that is old again is dirty again. An address is mapped and
 * unmapped by its owner only, one after the other.
 *
 * The copy is changed before the hardware flushes: it is a page table, and a fill from the old one
 * between the two would outlive a flush that came first. What was issued is read before both
 * (tlb.c), so nothing is booked that was not copied. An NMI in between finds the copy new and the
 * TLB old, like any NMI that comes before a flush. One that comes within this code may flush for
 * itself: the page whose bit is taken and whose entry is not yet written is in `in_hand`, and is
 * the first that it copies. What this code then stores may be older, hence its last look.
 *
 * The sweep does not step in here (TF is off): this stands for what the hardware does in one
 * instruction, and how long it takes depends on how much is dirty.
 *
 * In the danger zone this touches .entry.data and, by way of the direct map, the copy and the live
 * tables; with zone=stale ring 3's own root maps the direct map too (roots.c). No flush of that is
 * ever deferred, and no table goes away under its walk (mm/deferrable.c has the argument).
 */
#include "arch/x86_64/stale_copy.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging_table.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/tlb.h"

/* Regions of 2 MiB in which anything was ever mapped: at most this many, 1 GiB of addresses. */
#define REGIONS	    512
#define TABLE_PAGES 512
#define WORDS	    (TABLE_PAGES / 64)

struct stale_copy {
	phys_addr_t root;
	u64 in_hand;		   /* the page that is being copied; 0: none */
	u64 dirty[REGIONS][WORDS]; /* set by initiators, cleared by the CPU */
	pte_t *tables[REGIONS];	   /* page tables of the copy, made when first needed */
};

static struct stale_copy *copies[MAX_CPUS] __section(".entry.data");
static phys_addr_t live_root __section(".entry.data");

/* A hash of regions by address, open addressing; entries are never taken away. 0: free. */
static u64 regions[REGIONS] __section(".entry.data");
static u64 regions_used[REGIONS / 64] __section(".entry.data");

static __always_inline pte_t *table_at(phys_addr_t table)
{
	return (pte_t *)(DIRECT_MAP_BASE + table);
}

/* The live entry for VA as one of 4 KiB; 0 if there is none. */
static __always_inline pte_t live_entry(u64 va)
{
	phys_addr_t table = live_root;

	for (unsigned int level = 4;; level--) {
		unsigned int index = va >> (PAGE_SHIFT + 9 * (level - 1)) & (TABLE_PAGES - 1);
		pte_t value = __atomic_load_n(&table_at(table)[index], __ATOMIC_ACQUIRE);

		if (!(value & PTE_PRESENT))
			return 0;
		if (level == 1)
			return value;
		if (value & PTE_LARGE)
			return (value & ~PTE_LARGE) | (va & ~PMD_MASK & PAGE_MASK);
		table = value & PTE_ADDR_MASK;
	}
}

/* The place of VA's region, or of the free entry where it would be. REGIONS: neither. */
static __always_inline u32 region_place(u64 va)
{
	u64 key = va >> PMD_SHIFT;

	for (u32 i = 0; i < REGIONS; i++) {
		u32 place = (u32)((key + i) % REGIONS);
		u64 there = __atomic_load_n(&regions[place], __ATOMIC_ACQUIRE);

		if (there == key || !there)
			return place;
	}
	return REGIONS;
}

/* --- The CPU's side ----------------------------------------------------------------------------
 */

static __always_inline void copy_page(struct stale_copy *copy, u32 place, u32 index,
				      enum stale_cover cover)
{
	u64 va = regions[place] << PMD_SHIFT | (u64)index << PAGE_SHIFT;
	pte_t *entry = &copy->tables[place][index];
	u64 interrupted = copy->in_hand;
	pte_t live;

	if (cover == STALE_COVER_NON_GLOBAL &&
	    (__atomic_load_n(entry, __ATOMIC_RELAXED) & PTE_GLOBAL))
		return;
	WRITE_ONCE(copy->in_hand, va);
	__atomic_fetch_and(&copy->dirty[place][index / 64], ~BIT(index % 64), __ATOMIC_SEQ_CST);
	do {
		live = live_entry(va);
		__atomic_exchange_n(entry, live, __ATOMIC_SEQ_CST);
	} while (live_entry(va) != live);
	WRITE_ONCE(copy->in_hand, interrupted);
}

static __always_inline void copy_address(struct stale_copy *copy, u64 va, enum stale_cover cover)
{
	u32 place = region_place(va);

	if (place < REGIONS && regions[place] && copy->tables[place])
		copy_page(copy, place, va >> PAGE_SHIFT & (TABLE_PAGES - 1), cover);
}

static __always_inline void copy_region(struct stale_copy *copy, u32 place, enum stale_cover cover)
{
	for (u32 word = 0; word < WORDS; word++) {
		u64 bits = __atomic_load_n(&copy->dirty[place][word], __ATOMIC_ACQUIRE);

		for (; bits; bits &= bits - 1)
			copy_page(copy, place, word * 64 + (u32)__builtin_ctzl(bits), cover);
	}
}

noinstr void stale_copy_sync(enum stale_cover cover)
{
	struct stale_copy *copy = copies[this_cpu()->cpu];
	u64 flags = read_rflags();

	write_rflags(flags & ~(RFLAGS_IF | RFLAGS_TF));
	if (copy->in_hand)
		copy_address(copy, copy->in_hand, cover);
	for (u32 word = 0; word < REGIONS / 64; word++) {
		u64 used = __atomic_load_n(&regions_used[word], __ATOMIC_ACQUIRE);

		for (; used; used &= used - 1)
			copy_region(copy, word * 64 + (u32)__builtin_ctzl(used), cover);
	}
	write_rflags(flags);
}

noinstr void stale_copy_sync_page(u64 addr)
{
	u64 flags = read_rflags();

	write_rflags(flags & ~(RFLAGS_IF | RFLAGS_TF));
	copy_address(copies[this_cpu()->cpu], addr, STALE_COVER_ALL);
	write_rflags(flags);
}

/* --- The initiator's side ----------------------------------------------------------------------
 */

static bool differ(pte_t one, pte_t other)
{
	return (one ^ other) & ~(PTE_ACCESSED | PTE_DIRTY);
}

/* VA's region, entered if it is not known yet. */
static u32 enter_region(u64 va)
{
	u32 place = region_place(va);

	for (; place < REGIONS; place = region_place(va)) {
		u64 free = 0;

		if (!regions[place] &&
		    !__atomic_compare_exchange_n(&regions[place], &free, va >> PMD_SHIFT, false,
						 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			continue;
		if (!(READ_ONCE(regions_used[place / 64]) & BIT(place % 64)))
			__atomic_fetch_or(&regions_used[place / 64], BIT(place % 64),
					  __ATOMIC_SEQ_CST);
		return place;
	}
	panic("zone=stale: %lx: more than %u regions of 2 MiB of the vmalloc area were in use", va,
	      REGIONS);
}

/* COPY's page table for a region; two CPUs that make it at once get the same one. */
static pte_t *copy_table(struct stale_copy *copy, u32 place, u64 va)
{
	pte_t *table = __atomic_load_n(&copy->tables[place], __ATOMIC_ACQUIRE);
	int error = 0;

	if (table)
		return table;
	table = paging_make_tables(copy->root, ALIGN_DOWN(va, PMD_SIZE), 1, &error);
	if (!table)
		panic("zone=stale: memory is too short for the page tables of the copies");
	__atomic_store_n(&copy->tables[place], table, __ATOMIC_RELEASE);
	return table;
}

static void show(struct stale_copy *copy, u32 place, u64 va, pte_t live)
{
	u32 index = va >> PAGE_SHIFT & (TABLE_PAGES - 1);
	pte_t *entry = &copy_table(copy, place, va)[index];
	pte_t seen = __atomic_load_n(entry, __ATOMIC_ACQUIRE);

	while (!(seen & PTE_PRESENT))
		if (!live || __atomic_compare_exchange_n(entry, &seen, live, false,
							 __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE))
			return;
	if (differ(seen, live))
		__atomic_fetch_or(&copy->dirty[place][index / 64], BIT(index % 64),
				  __ATOMIC_SEQ_CST);
}

/* A table of the live hierarchy has changed in [start, end): called behind each change. */
static void entries_changed(phys_addr_t root, u64 start, u64 end)
{
	if (root != kernel_root || start < VMALLOC_START || start >= VMALLOC_END)
		return;
	smp_mb();
	for (u64 va = start; va < end; va += PAGE_SIZE) {
		pte_t live = live_entry(va);
		u32 place = region_place(va);

		if (!live && (place == REGIONS || !regions[place]))
			continue; /* nothing was ever mapped there */
		place = enter_region(va);
		for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
			show(copies[cpu], place, va, live);
	}
}

void stale_copy_exempt(u64 start, u64 len)
{
	for (u64 va = start; va < start + len; va += PAGE_SIZE) {
		stale_copy_sync_page(va);
		tlb_invlpg(va);
	}
}

/* --- Setting up --------------------------------------------------------------------------------
 */

static struct stale_copy *make_copy(void)
{
	size_t pages = ALIGN_UP(sizeof(struct stale_copy), PAGE_SIZE) / PAGE_SIZE;
	phys_addr_t first = boot_alloc_frames(pages);
	struct stale_copy *copy = first ? phys_to_virt(first) : NULL;

	if (!copy)
		return NULL;
	copy->root = boot_alloc_root_pair();
	if (!copy->root)
		return NULL;
	memcpy(phys_to_virt(copy->root), phys_to_virt(kernel_root), PAGE_SIZE);
	memset((pte_t *)phys_to_virt(copy->root) + VMALLOC_SLOT, 0, VMALLOC_SLOTS * sizeof(pte_t));
	return paging_preallocate(copy->root, VMALLOC_START, VMALLOC_END) ? NULL : copy;
}

static void load_copy(void *unused)
{
	(void)unused;
	write_cr3(copies[this_cpu_number()]->root);
	__flush_tlb_all();
}

const char *stale_copies_init(void)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		copies[cpu] = make_copy();
		if (!copies[cpu])
			return "too short for a copy of the vmalloc area's tables for each CPU";
	}
	live_root = kernel_root;
	paging_changed = entries_changed;
	flush_detours |= DETOUR_STALE_COPY;
	on_each_cpu(CALL_OTHER, load_copy, NULL);
	return NULL;
}

phys_addr_t kernel_root_of(unsigned int cpu)
{
	return copies[cpu] ? copies[cpu]->root : kernel_root;
}
