/* SPDX-License-Identifier: MIT */
/*
 * The canary oracle, see canary.h.
 *
 * Who writes what: `expected` and `va` belong to the swapper, `warmed` and the counts to the
 * isolated CPU; each on a line of its own. The generation is published after the new mapping is in
 * place (release), and taken back (0) before the old one goes away, so an isolated CPU that reads
 * the address while there is no mapping faults, is put back on its feet by the exception table, and
 * finds the expectation changed.
 */
#include "kernel/canary.h"

#include "arch/x86_64/breaks.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/read_pair.h"
#include "arch/x86_64/stale_copy.h"
#include "mm/frames.h"
#include "mm/vmalloc.h"

/* What a canary frame holds. */
struct canary_page {
	u64 va;
	u64 generation;
};

/* Frames of one canary in rotation; a frame comes round again only after a full flush by its CPU.
 */
#define CANARY_FRAMES 64

struct canary {
	/* the swapper's */
	u64 va __aligned(CACHE_LINE);
	u64 expected; /* 0: do not check */
	pte_t *pte;
	u64 generation;
	phys_addr_t frames[CANARY_FRAMES];
	u64 rests_until[CANARY_FRAMES]; /* purge number that CPU must have covered */
	/* the isolated CPU's */
	u64 warmed __aligned(CACHE_LINE); /* the newest generation proved warm */
	struct canary_counts counts;
};

static struct canary *canaries[MAX_CPUS];

static void fill(struct canary *canary, unsigned int slot, u64 generation)
{
	struct canary_page *page = phys_to_virt(canary->frames[slot]);

	page->va = canary->va;
	page->generation = generation;
}

/* The PTE is the one that CPU walks to: with zone=stale in its own copy. */
static void publish(struct canary *canary, unsigned int cpu)
{
	unsigned int level;

	canary->pte = lookup_pte(kernel_root_of(cpu), canary->va, &level);
	BUG_ON(!canary->pte || level != 1);
	__atomic_store_n(&canary->expected, canary->generation, __ATOMIC_RELEASE);
}

static bool canary_make(unsigned int cpu)
{
	phys_addr_t block = boot_alloc_frames(ALIGN_UP(sizeof(struct canary), PAGE_SIZE) /
					      PAGE_SIZE);
	struct canary *canary = block ? phys_to_virt(block) : NULL;

	if (!canary)
		return false;
	for (unsigned int i = 0; i < CANARY_FRAMES; i++) {
		canary->frames[i] = frame_alloc();
		if (!canary->frames[i])
			return false;
	}
	canary->generation = CANARY_FRAMES; /* slot 0, and never 0 */
	canary->va = (u64)vmap(&canary->frames[0], 1, PAGE_KERNEL);
	if (!canary->va)
		return false;
	fill(canary, 0, canary->generation);
	publish(canary, cpu);
	canaries[cpu] = canary;
	return true;
}

bool canaries_init(void)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		if (cpu_is_isolated(cpu) && !canaries[cpu] && !canary_make(cpu))
			return false;
	return true;
}

bool canary_is_warm(unsigned int cpu)
{
	const struct canary *canary = canaries[cpu];

	return __atomic_load_n(&canary->warmed, __ATOMIC_ACQUIRE) == canary->generation;
}

bool canary_swap(unsigned int cpu, bool warm_needed)
{
	struct canary *canary = canaries[cpu];
	u64 next = canary->generation + 1;
	unsigned int slot = next % CANARY_FRAMES;
	unsigned int old = canary->generation % CANARY_FRAMES;
	void *va = NULL;

	if (warm_needed && !canary_is_warm(cpu))
		return false;
	if (READ_ONCE(percpu(cpu)->tlb_gen.covered) < canary->rests_until[slot])
		return false;
	__atomic_store_n(&canary->expected, 0, __ATOMIC_SEQ_CST);
	vunmap((void *)canary->va);
	vm_unmap_aliases();
	canary->rests_until[old] =
		tlb_gen_issued(); /* its purge has this number, or a smaller one */

	/* The same address back, with its guard page, unless somebody was quicker. */
	va = vmap_range(&canary->frames[slot], 1, PAGE_KERNEL, canary->va,
			canary->va + 2 * PAGE_SIZE);
	if (!va)
		va = vmap(&canary->frames[slot], 1, PAGE_KERNEL);
	if (!va)
		panic("canary of CPU %u: no address left in the vmalloc area", cpu);
	canary->va = (u64)va;
	canary->generation = next;
	fill(canary, slot, next);
	publish(canary, cpu);
	return true;
}

/* Reads *VA unless it faults. */
static bool read_page(u64 va, struct canary_page *page)
{
	return read_pair(va, &page->va, &page->generation);
}

/* Looks once. True if there was a stable expectation; *WRONG then says whether it was missed. */
static bool look(const struct canary *canary, bool *wrong)
{
	struct canary_page page;
	u64 va = READ_ONCE(canary->va);
	u64 before = __atomic_load_n(&canary->expected, __ATOMIC_ACQUIRE);
	bool readable = read_page(va, &page);

	barrier();
	if (before == 0 || READ_ONCE(canary->expected) != before || READ_ONCE(canary->va) != va)
		return false;
	*wrong = !readable || page.va != va || page.generation != before;
	return true;
}

static void check(struct canary *canary)
{
	bool wrong;

	if (!look(canary, &wrong))
		return;
	canary->counts.checks++;
	canary->counts.stale += wrong;
}

/*
 * XTF's method. The swapper may unmap the page meanwhile: the two LOCKed operations then meet a
 * clear entry and leave, at most, an Accessed bit in one that is not present, which means nothing.
 */
static void warm(struct canary *canary)
{
	u64 generation = __atomic_load_n(&canary->expected, __ATOMIC_ACQUIRE);
	u64 va = READ_ONCE(canary->va);
	pte_t *pte = READ_ONCE(canary->pte);
	struct canary_page page;
	bool walked;

	if (generation == 0 || generation == canary->warmed || (broken & BREAK_FILL))
		return;
	if (!read_page(va, &page)) /* the fill */
		return;
	__atomic_fetch_and(pte, ~PTE_ACCESSED, __ATOMIC_SEQ_CST);
	if (!read_page(va, &page))
		return;
	walked = __atomic_load_n(pte, __ATOMIC_ACQUIRE) & PTE_ACCESSED;
	__atomic_fetch_or(pte, PTE_ACCESSED, __ATOMIC_SEQ_CST);
	if (page.va != va || page.generation != generation) /* warm, but with an old translation */
		return;
	if (walked || READ_ONCE(canary->expected) != generation || READ_ONCE(canary->va) != va)
		return;
	canary->counts.warm++;
	__atomic_store_n(&canary->warmed, generation, __ATOMIC_RELEASE);
}

void canary_check_local(void)
{
	struct canary *canary = canaries[this_cpu_number()];

	if (canary)
		check(canary);
}

void canary_probe_local(void)
{
	struct canary *canary = canaries[this_cpu_number()];

	if (!canary)
		return;
	check(canary);
	warm(canary);
}

/* Counters of its own: the NMI may have interrupted check(). */
bool canary_check_nmi_local(void)
{
	struct canary *canary = canaries[this_cpu_number()];
	bool wrong;

	if (!canary || !look(canary, &wrong))
		return false;
	canary->counts.nmi_checks++;
	canary->counts.nmi_stale += wrong;
	return true;
}

void canary_cool_local(void)
{
	struct canary *canary = canaries[this_cpu_number()];

	if (canary)
		__atomic_store_n(&canary->warmed, 0, __ATOMIC_RELEASE);
}

struct canary_counts canary_counts(unsigned int cpu)
{
	return canaries[cpu] ? canaries[cpu]->counts : (struct canary_counts){0};
}

void canaries_reset(void)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		if (canaries[cpu])
			canaries[cpu]->counts = (struct canary_counts){0};
}
