// sources: boot/pvh.c boot/boot_info.c boot/mem_map.c
/* SPDX-License-Identifier: MIT */
/*
 * PVH information made of anything: the input is physical memory from 0x1000 on, zero up to the end
 * of its last page, and the start information lies at its begin. A mapping is a copy of the bytes
 * asked for, gone at the next call.
 */
#include "boot/pvh.h"
#include "tests/host/boot_invariants.h"

#define MEMORY_BASE 0x1000

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static const u8 *memory;
static size_t memory_size;
static void *mapping;

static const void *map(phys_addr_t phys, size_t len)
{
	free(mapping);
	mapping = NULL;
	PROMISE(len > 0 && phys + len > phys);
	if (phys < MEMORY_BASE)
		return NULL;
	phys -= MEMORY_BASE;
	if (phys > ALIGN_UP(memory_size, PAGE_SIZE) ||
	    len > ALIGN_UP(memory_size, PAGE_SIZE) - phys)
		return NULL;
	mapping = calloc(1, len);
	if (phys < memory_size)
		memcpy(mapping, memory + phys, min(len, memory_size - phys));
	return mapping;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct boot_info info;
	const char *error;

	memory = data;
	memory_size = size;
	memset(&info, 0xa5, sizeof(info));
	error = pvh_parse(MEMORY_BASE, map, &info);
	free(mapping);
	mapping = NULL;
	if (error)
		PROMISE(error[0]);
	else
		check_boot_info(&info);
	return 0;
}
