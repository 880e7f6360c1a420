/* SPDX-License-Identifier: MIT */
/*
 * See bed_vmalloc.h. Nothing here trusts vmalloc: mappings are read from the tables by a walker
 * written from the SDM (Vol 3, 4.5.4), frames are counted by the allocator's own counter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86_64/cpu_number.h"
#include "arch/x86_64/tlb_gen.h"
#include "mm/policy/policy.h"
#include "mm/tlbflush.h"
#include "tests/host/bed_memory.h"
#include "tests/host/bed_vmalloc.h"

phys_addr_t bed_root;
unsigned int bed_online_cpus;
__thread unsigned int bed_cpu;
u64 bed_tables_made, bed_tables_released;
int bed_tables_left;
struct bed_flush bed_flushes[BED_MAX_FLUSHES];
unsigned int bed_nr_flushes;
bool bed_keep_flushes;
void (*bed_in_flush)(u64 start, u64 end);
u64 bed_pgtable_flushes, bed_generation;
u64 bed_covered[BED_CPUS];
u64 bed_forced, bed_forced_cpus;

static u64 frames_total;

unsigned int this_cpu_number(void)
{
	return bed_cpu;
}

unsigned int nr_online_cpus(void)
{
	return bed_online_cpus;
}

phys_addr_t paging_alloc_table(void)
{
	phys_addr_t table;

	if (bed_tables_left == 0)
		return 0;
	table = frame_alloc_zeroed();
	if (!table)
		return 0;
	if (bed_tables_left > 0)
		bed_tables_left--;
	__atomic_fetch_add(&bed_tables_made, 1, __ATOMIC_RELAXED);
	return table;
}

void paging_release_frame(phys_addr_t frame)
{
	__atomic_fetch_add(&bed_tables_released, 1, __ATOMIC_RELAXED);
	frame_free(frame);
}

u64 flush_tlb_kernel_range_deferrable(u64 start, u64 end)
{
	u64 generation = __atomic_add_fetch(&bed_generation, 1, __ATOMIC_SEQ_CST);

	if (bed_in_flush)
		bed_in_flush(start, end);
	if (!bed_keep_flushes)
		return generation;
	if (bed_nr_flushes == BED_MAX_FLUSHES) {
		fprintf(stderr, "more than %d flushes since they were last forgotten\n",
			BED_MAX_FLUSHES);
		abort();
	}
	bed_flushes[bed_nr_flushes++] = (struct bed_flush){start, end};
	return generation;
}

u64 tlb_gen_issued(void)
{
	return __atomic_load_n(&bed_generation, __ATOMIC_SEQ_CST);
}

static u64 pgtable_flushed;

void flush_tlb_kernel_pgtable_range(u64 start, u64 end)
{
	/* The table is out of reach already, and nothing else is there yet. */
	if (end - start != PMD_SIZE || bed_frame_at(start, NULL)) {
		fprintf(stderr, "flush for page tables of %lx-%lx\n", start, end);
		abort();
	}
	bed_pgtable_flushes++;
	pgtable_flushed = __atomic_add_fetch(&bed_generation, 1, __ATOMIC_SEQ_CST);
}

bool pgtable_flush_owed(u64 unlinked_at)
{
	return pgtable_flushed <= unlinked_at;
}

/* --- Quarantine --- */

static struct flush_policy policy = {.name = "bed"};
const struct flush_policy *flush_policy = &policy;

static bool lags(unsigned int cpu, u64 generation)
{
	return __atomic_load_n(&bed_covered[cpu], __ATOMIC_ACQUIRE) < generation;
}

void bed_let_cpus_lag(bool lag)
{
	policy.lags = lag ? lags : NULL;
}

void bed_catch_up(unsigned int cpu)
{
	u64 issued = tlb_gen_issued();
	u64 seen = __atomic_load_n(&bed_covered[cpu], __ATOMIC_ACQUIRE);

	while (seen < issued &&
	       !__atomic_compare_exchange_n(&bed_covered[cpu], &seen, issued, false,
					    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		;
}

void flush_tlb_laggards(u64 generation)
{
	bed_forced++;
	for (unsigned int cpu = 0; cpu < bed_online_cpus; cpu++) {
		if (!lags(cpu, generation))
			continue;
		bed_forced_cpus++;
		bed_catch_up(cpu);
	}
}

void bed_forget_flushes(void)
{
	bed_nr_flushes = 0;
}

void bed_start(u64 bytes, bool debug_pagealloc)
{
	const struct frame_range ram = {MIB(1), bytes};
	const struct vmalloc_config config = {.debug_pagealloc = debug_pagealloc};
	const char *error;

	fake_memory_init(bytes);
	error = frames_init(&ram, 1, NULL, 0, bytes);
	if (error) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	frames_total = frame_counts().total;
	bed_online_cpus = 1;
	bed_cpu = 0;
	bed_tables_made = bed_tables_released = 0;
	bed_tables_left = -1;
	bed_nr_flushes = 0;
	bed_keep_flushes = true;
	bed_in_flush = NULL;
	bed_pgtable_flushes = bed_generation = pgtable_flushed = 0;
	bed_forced = bed_forced_cpus = 0;
	memset(bed_covered, 0, sizeof(bed_covered));
	bed_let_cpus_lag(false);
	paging_supported_flags = ~0UL;
	bed_root = paging_alloc_table();
	if (!vmalloc_init(bed_root, &config)) {
		fprintf(stderr, "vmalloc_init failed\n");
		abort();
	}
}

void bed_stop(void)
{
	fake_memory_free();
}

phys_addr_t bed_frame_at(u64 va, u64 *flags)
{
	const u64 *table = phys_to_virt(bed_root);
	u64 entry = 0;

	for (int shift = 39; shift >= 12; shift -= 9) {
		entry = __atomic_load_n(&table[(va >> shift) % 512], __ATOMIC_ACQUIRE);
		if (!(entry & 1))
			return 0;
		if (shift == 21 && (entry & 0x80)) {
			if (flags)
				*flags = entry & ~0x000fffffffe00000UL;
			return (entry & 0x000fffffffe00000UL) | (va & 0x1ff000);
		}
		if (shift > 12)
			table = phys_to_virt(entry & 0x000ffffffffff000UL);
	}
	if (flags)
		*flags = entry & ~0x000ffffffffff000UL;
	return entry & 0x000ffffffffff000UL;
}

u64 bed_frames_in_areas(void)
{
	return frames_total - frame_counts().free - (bed_tables_made - bed_tables_released) -
	       vmalloc_stats().metadata_frames;
}

u64 bed_chunks_of(u64 pages)
{
	return pages > 8 ? (pages - 8 + 510) / 511 : 0;
}
