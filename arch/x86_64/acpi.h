/* SPDX-License-Identifier: MIT */
/*
 * The little of ACPI that the kernel needs: from the root pointer to a table, and the list of CPUs
 * in the MADT (ACPI 6.5, sections 5.2.5 to 5.2.8 and 5.2.12). Firmware's tables are not trusted:
 * nothing is read outside a table's length, and no table with a wrong checksum is used.
 */
#pragma once

#include "arch/x86_64/cpu_number.h"
#include "arch/x86_64/types.h"

/*
 * Makes LEN bytes at physical address PHYS readable for as long as the tables are used; NULL if it
 * cannot. Never called with LEN 0 or with a range that leaves the 52 bits of a physical address.
 */
typedef const void *(*acpi_map_fn)(phys_addr_t phys, size_t len);

/* What every table begins with: LENGTH bytes with this header, at any address (aligned to 1). */
struct acpi_table {
	char signature[4];
	u32 length;
	u8 revision;
	u8 checksum; /* makes the sum of all bytes 0 */
	char oem[6];
	char oem_table[8];
	u32 oem_revision;
	char creator[4];
	u32 creator_revision;
} __packed;

/* The XSDT or RSDT that was chosen: nr physical addresses of entry_size (4 or 8) bytes each. */
struct acpi_root {
	acpi_map_fn map;
	const u8 *entries;
	u32 entry_size;
	u32 nr;
};

/*
 * Starts from a root pointer that the boot loader copied (20 or 36 bytes), or from one in memory.
 * From revision 2 on the XSDT is taken, where there is a good one, else the RSDT.
 * Returns NULL, or an error text that names what is wrong.
 */
const char *acpi_root_init(struct acpi_root *root, const void *rsdp, size_t len, acpi_map_fn map);
const char *acpi_root_init_at(struct acpi_root *root, phys_addr_t rsdp, acpi_map_fn map);

/*
 * The first good table with this signature, mapped whole, or NULL. A table that is damaged is
 * named in a warning and passed over.
 */
const struct acpi_table *acpi_find_table(const struct acpi_root *root, const char sig[4]);

/*
 * The table at PHYS, which another one points to, if it has this signature and is good; else NULL,
 * with a warning. PHYS may be 0.
 */
const struct acpi_table *acpi_map_table(const struct acpi_root *root, phys_addr_t phys,
					const char sig[4]);

struct madt_cpu {
	u32 apic_id; /* 32 bits, sparse; above 254 it can be reached in x2APIC mode only */
	u32 uid;     /* ACPI's own number, for messages */
};

/* The CPUs that firmware says can run, in its order, each APIC id once. */
struct madt {
	phys_addr_t lapic_base; /* the local APICs' registers, in xAPIC mode */
	struct madt_cpu cpu[MAX_CPUS];
	u32 nr_cpus;
	u32 nr_disabled;       /* left out: not enabled */
	u32 nr_online_capable; /* of these: could be plugged in later, which this kernel never does
				*/
	u32 nr_duplicates;     /* left out: the APIC id is in the list already */
	u32 nr_invalid;	       /* left out: enabled, but the APIC id is the broadcast id */
	u32 nr_beyond_limit;   /* left out: the list was full */
};

/* Reads a MADT of TABLE->length readable bytes. Returns NULL or an error text; *out is then what
 * the table said up to the error. */
const char *madt_parse(const struct acpi_table *table, struct madt *out);

/* Finds the MADT and reads it. On an error the caller may go on with the boot CPU alone. */
const char *acpi_read_madt(const struct acpi_root *root, struct madt *out);
