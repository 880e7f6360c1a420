/* SPDX-License-Identifier: MIT */
/*
 * One anonymous mapping stands for all physical memory. An address beyond it stops the test: no
 * code under test may reach for memory that the machine does not have.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "tests/host/bed_memory.h"

static char *memory;
static u64 memory_size;

void fake_memory_free(void)
{
	if (memory)
		munmap(memory, memory_size);
	memory = NULL;
	memory_size = 0;
}

void fake_memory_init(u64 bytes)
{
	fake_memory_free();
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED) {
		perror("fake_memory_init");
		abort();
	}
	/* No huge pages: the host would then touch 512 pages at once. */
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	memory_size = bytes;
}

void *phys_to_virt(phys_addr_t pa)
{
	if (pa >= memory_size) {
		fprintf(stderr, "physical address %lx: the machine ends at %lx\n", pa, memory_size);
		abort();
	}
	return memory + pa;
}

phys_addr_t virt_to_phys_direct(const void *va)
{
	u64 offset = (u64)((const char *)va - memory);

	if (offset >= memory_size) {
		fprintf(stderr, "%p is not an address of the direct map\n", va);
		abort();
	}
	return offset;
}

u64 fake_memory_count_touched(phys_addr_t start, phys_addr_t end)
{
	u64 pages = (end - start) / PAGE_SIZE;
	unsigned char *resident = malloc(pages);
	u64 touched = 0;

	if (!resident || mincore(memory + start, end - start, resident) != 0) {
		perror("fake_memory_count_touched");
		abort();
	}
	for (u64 i = 0; i < pages; i++)
		touched += resident[i] & 1;
	free(resident);
	return touched;
}

bool fake_memory_touched(phys_addr_t pa)
{
	return fake_memory_count_touched(pa, pa + PAGE_SIZE);
}
