// sources: arch/x86_64/acpi.c arch/x86_64/acpi_power.c
/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables made of anything: the first byte chooses, the rest is physical memory from 0x1000 on
 * with the root pointer at its begin. Bit 0: checksums are made right as the tables are mapped,
 * since no mutation would find them. Bit 1: the root pointer was copied by a loader, bits 2 and 3
 * say how much of it.
 */
#include <stdlib.h>
#include <string.h>

#include "arch/x86_64/acpi_power.h"
#include "tests/host/boot_invariants.h"
#include "tests/host/host_log.h"

#define MEMORY_BASE  0x1000
#define MAX_MAPPINGS 65536

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static const u8 *memory;
static size_t memory_size;
static bool repair;
static void *mappings[MAX_MAPPINGS];
static size_t nr_mappings;

static void set_checksum(u8 *bytes, size_t len, size_t at)
{
	u8 sum = 0;

	bytes[at] = 0;
	for (size_t i = 0; i < len; i++)
		sum = (u8)(sum + bytes[i]);
	bytes[at] = (u8)-sum;
}

static void repair_copy(u8 *copy, size_t len)
{
	u32 length;

	if (len >= 20 && memcmp(copy, "RSD PTR ", 8) == 0) {
		set_checksum(copy, 20, 8);
		if (len >= 36)
			set_checksum(copy, 36, 32);
	} else if (len >= 36) {
		memcpy(&length, copy + 4, sizeof(length));
		if (length == len)
			set_checksum(copy, len, 9);
	}
}

static const void *map(phys_addr_t phys, size_t len)
{
	u8 *copy;

	PROMISE(len > 0 && phys > 0 && phys < 1ULL << 52 && len <= (1ULL << 52) - phys);
	if (phys < MEMORY_BASE || phys - MEMORY_BASE > memory_size ||
	    len > memory_size - (phys - MEMORY_BASE) || nr_mappings == MAX_MAPPINGS)
		return NULL;
	copy = malloc(len);
	memcpy(copy, memory + (phys - MEMORY_BASE), len);
	if (repair)
		repair_copy(copy, len);
	mappings[nr_mappings++] = copy;
	return copy;
}

static void check_madt(const struct madt *madt)
{
	PROMISE(madt->nr_cpus <= MAX_CPUS);
	PROMISE(madt->nr_online_capable <= madt->nr_disabled);
	PROMISE(madt->nr_beyond_limit == 0 || madt->nr_cpus == MAX_CPUS);
	for (u32 i = 0; i < madt->nr_cpus; i++) {
		PROMISE(madt->cpu[i].apic_id != 0xffffffff);
		for (u32 k = 0; k < i; k++)
			PROMISE(madt->cpu[i].apic_id != madt->cpu[k].apic_id);
	}
}

static const char *find_root(struct acpi_root *root, u8 choice)
{
	size_t len = choice & 4 ? 20 : 36;
	const void *rsdp;

	if (!(choice & 2))
		return acpi_root_init_at(root, MEMORY_BASE, map);
	rsdp = map(MEMORY_BASE, choice & 8 ? 19 : len);
	return rsdp ? acpi_root_init(root, rsdp, choice & 8 ? 19 : len, map) : "no memory";
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct acpi_root root;
	static struct madt madt;
	struct acpi_power power;

	if (size == 0)
		return 0;
	repair = data[0] & 1;
	memory = data + 1;
	memory_size = size - 1;
	if (!find_root(&root, data[0])) {
		const struct acpi_table *facp = acpi_find_table(&root, "FACP");

		if (facp)
			PROMISE(memcmp(facp->signature, "FACP", 4) == 0 && facp->length >= 36);
		if (acpi_read_power(&root, &power))
			PROMISE(!power.pm1a_control);
		acpi_read_madt(&root, &madt);
		check_madt(&madt);
	}
	host_log_clear();
	while (nr_mappings)
		free(mappings[--nr_mappings]);
	return 0;
}
