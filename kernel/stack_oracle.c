/* SPDX-License-Identifier: MIT */
/*
 * The oracle of task stacks, see stack_oracle.h.
 *
 * Who writes what: slots and addresses belong to the boot CPU, each reader to its isolated CPU. A
 * slot's generation is published last (release) and taken back (0) before the stack goes away. A
 * reader takes it before and after: equal and not 0, the stack was there all the time, since
 * generations do not come back.
 */
#include "kernel/stack_oracle.h"

#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/direct_map.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/read_pair.h"
#include "arch/x86_64/string.h"

#define MAX_ADDRESSES 512

/* What the lowest page of a stack begins with. */
struct stack_tag {
	u64 va;
	u64 generation;
};

struct slot {
	u64 generation __aligned(CACHE_LINE); /* 0: nothing is published */
	u64 va;
	phys_addr_t frame;
	u32 address; /* index */
};

struct reader {
	struct stack_counts counts;
	u64 newest;			  /* generation that it has checked */
	phys_addr_t frame[MAX_ADDRESSES]; /* that it has read there last; 0: none */
};

static struct slot slots[MAX_CPUS];
static struct reader *readers[MAX_CPUS]; /* NULL: not isolated */
static u64 generation;

static struct {
	u64 va;
	phys_addr_t frame; /* of the last stack there */
} addresses[MAX_ADDRESSES];
static u32 nr_addresses;

bool stack_oracle_init(void)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++) {
		phys_addr_t block;

		if (!cpu_is_isolated(cpu))
			continue;
		block = boot_alloc_frames(ALIGN_UP(sizeof(struct reader), PAGE_SIZE) / PAGE_SIZE);
		if (!block)
			return false;
		readers[cpu] = phys_to_virt(block);
	}
	return true;
}

void stack_oracle_reset(void)
{
	nr_addresses = 0;
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		if (readers[cpu])
			memset(readers[cpu], 0, sizeof(*readers[cpu]));
}

static u32 find_address(u64 va)
{
	u32 i = 0;

	while (i < nr_addresses && addresses[i].va != va)
		i++;
	return i;
}

struct stack_address stack_oracle_publish(unsigned int cpu, u64 va)
{
	struct slot *slot = &slots[cpu];
	struct stack_address found;
	struct stack_tag *tag;
	phys_addr_t frame;
	u64 flags;
	u32 index = find_address(va);

	BUG_ON(!walk(kernel_root, va, &frame, &flags));
	if (index == MAX_ADDRESSES)
		panic("stacks: more than %u addresses were used for stacks", MAX_ADDRESSES);
	found.used_before = index < nr_addresses;
	found.other_frame = found.used_before && addresses[index].frame != frame;
	if (!found.used_before)
		nr_addresses++;
	addresses[index].va = va;
	addresses[index].frame = frame;
	tag = phys_to_virt(frame);
	*tag = (struct stack_tag){va, ++generation};
	WRITE_ONCE(slot->va, va);
	WRITE_ONCE(slot->frame, frame);
	WRITE_ONCE(slot->address, index);
	__atomic_store_n(&slot->generation, generation, __ATOMIC_RELEASE);
	return found;
}

void stack_oracle_withdraw(unsigned int cpu)
{
	__atomic_store_n(&slots[cpu].generation, 0, __ATOMIC_SEQ_CST);
}

/* False if an old translation led to the stack. */
static bool check(struct reader *reader, const struct slot *slot)
{
	u64 before = __atomic_load_n(&slot->generation, __ATOMIC_ACQUIRE);
	u64 va = READ_ONCE(slot->va);
	phys_addr_t frame = READ_ONCE(slot->frame);
	u32 address = READ_ONCE(slot->address);
	struct stack_tag tag;
	bool readable, right;

	if (!before)
		return true;
	readable = read_pair(va, &tag.va, &tag.generation);
	barrier();
	if (__atomic_load_n(&slot->generation, __ATOMIC_ACQUIRE) != before)
		return true;
	right = readable && tag.va == va && tag.generation == before;
	reader->counts.checks++;
	reader->counts.exposed += reader->frame[address] && reader->frame[address] != frame;
	reader->counts.stale += !right;
	reader->frame[address] = frame;
	if (before > reader->newest)
		__atomic_store_n(&reader->newest, before, __ATOMIC_RELEASE);
	return right;
}

void stack_oracle_check_local(void)
{
	struct reader *reader = readers[this_cpu_number()];

	for (unsigned int cpu = 0; reader && cpu < nr_online_cpus(); cpu++)
		check(reader, &slots[cpu]);
}

bool stack_oracle_check_own(void)
{
	return check(readers[this_cpu_number()], &slots[this_cpu_number()]);
}

bool stack_oracle_checked(unsigned int cpu)
{
	return __atomic_load_n(&readers[cpu]->newest, __ATOMIC_ACQUIRE) == generation;
}

struct stack_counts stack_oracle_counts(unsigned int cpu)
{
	return readers[cpu]->counts;
}
