/* SPDX-License-Identifier: MIT */
/*
 * ACPI tables, where nothing is aligned: fields are read bytewise or through packed structures. A
 * table is mapped twice: its header, to learn the length, and then as a whole; the length is
 * checked in between, and the checksum before any other field is believed.
 */
#include "arch/x86_64/acpi.h"

#include "arch/x86_64/log.h"
#include "arch/x86_64/string.h"

#define PHYS_LIMIT (1ULL << 52)
#define TABLE_MAX  MIB(1) /* a MADT of 65,000 CPUs; the root tables are far smaller */

_Static_assert(sizeof(struct acpi_table) == 36, "ACPI 6.5, table 5.4");

static u32 get32(const u8 *p)
{
	u32 value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static u64 get64(const u8 *p)
{
	u64 value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static bool sums_to_zero(const u8 *bytes, size_t len)
{
	u8 sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = (u8)(sum + bytes[i]);
	return sum == 0;
}

static const void *map_range(acpi_map_fn map, phys_addr_t phys, size_t len)
{
	if (phys == 0 || phys >= PHYS_LIMIT || len > PHYS_LIMIT - phys)
		return NULL;
	return map(phys, len);
}

/*
 * The table at PHYS if it is a SIG and good. Otherwise NULL; *flaw then says what is wrong with
 * it, or is NULL if it is simply another table.
 */
static const struct acpi_table *map_table(acpi_map_fn map, phys_addr_t phys, const char sig[4],
					  const char **flaw)
{
	const struct acpi_table *table = map_range(map, phys, sizeof(*table));
	u32 length;

	*flaw = "cannot be mapped";
	if (!table)
		return NULL;
	*flaw = NULL;
	if (memcmp(table->signature, sig, 4) != 0)
		return NULL;
	length = table->length;
	*flaw = "is shorter than its header or longer than 1 MiB";
	if (length < sizeof(*table) || length > TABLE_MAX)
		return NULL;
	*flaw = "cannot be mapped whole";
	table = map_range(map, phys, length);
	if (!table)
		return NULL;
	*flaw = "has a wrong checksum";
	if (!sums_to_zero((const u8 *)table, length))
		return NULL;
	*flaw = NULL;
	return table;
}

static bool use_root_table(struct acpi_root *root, phys_addr_t phys, const char sig[4],
			   u32 entry_size)
{
	const char *flaw;
	const struct acpi_table *table = map_table(root->map, phys, sig, &flaw);

	if (!table) {
		pr_warn("ACPI: table %.4s at 0x%llx %s, not used", sig, (unsigned long long)phys,
			flaw ? flaw : "has another signature");
		return false;
	}
	root->entries = (const u8 *)table + sizeof(*table);
	root->entry_size = entry_size;
	root->nr = (u32)((table->length - sizeof(*table)) / entry_size);
	return true;
}

/* The layout of the root pointer (ACPI 6.5, table 5.3). */
enum {
	RSDP_REVISION = 15,
	RSDP_RSDT = 16,
	RSDP_OLD_SIZE = 20,
	RSDP_LENGTH = 20,
	RSDP_XSDT = 24,
	RSDP_SIZE = 36,
};

const char *acpi_root_init(struct acpi_root *root, const void *rsdp, size_t len, acpi_map_fn map)
{
	const u8 *p = rsdp;
	phys_addr_t xsdt = 0;

	memset(root, 0, sizeof(*root));
	root->map = map;
	if (len < RSDP_OLD_SIZE)
		return "ACPI: no root pointer (RSDP)";
	if (memcmp(p, "RSD PTR ", 8) != 0)
		return "ACPI: root pointer has a wrong signature";
	if (!sums_to_zero(p, RSDP_OLD_SIZE))
		return "ACPI: root pointer has a wrong checksum";
	/* Of a new one a loader may have copied the old part alone: that is good for an RSDT. */
	if (p[RSDP_REVISION] >= 2 && len >= RSDP_SIZE) {
		if (get32(p + RSDP_LENGTH) != RSDP_SIZE)
			return "ACPI: root pointer's length is not 36 bytes";
		if (!sums_to_zero(p, RSDP_SIZE))
			return "ACPI: root pointer has a wrong extended checksum";
		xsdt = get64(p + RSDP_XSDT);
	}
	if (xsdt && use_root_table(root, xsdt, "XSDT", 8))
		return NULL;
	if (get32(p + RSDP_RSDT) && use_root_table(root, get32(p + RSDP_RSDT), "RSDT", 4))
		return NULL;
	return "ACPI: root pointer leads to no good XSDT or RSDT";
}

const char *acpi_root_init_at(struct acpi_root *root, phys_addr_t rsdp, acpi_map_fn map)
{
	const u8 *p = map_range(map, rsdp, RSDP_OLD_SIZE);
	size_t len = RSDP_OLD_SIZE;

	memset(root, 0, sizeof(*root));
	if (!p)
		return "ACPI: no root pointer (RSDP) at the address given";
	if (p[RSDP_REVISION] >= 2) {
		p = map_range(map, rsdp, RSDP_SIZE);
		len = RSDP_SIZE;
		if (!p)
			return "ACPI: root pointer cannot be mapped whole";
	}
	return acpi_root_init(root, p, len, map);
}

const struct acpi_table *acpi_find_table(const struct acpi_root *root, const char sig[4])
{
	for (u32 i = 0; i < root->nr; i++) {
		const u8 *entry = root->entries + (size_t)i * root->entry_size;
		phys_addr_t phys = root->entry_size == 8 ? get64(entry) : get32(entry);
		const struct acpi_table *table;
		const char *flaw;

		if (!phys)
			continue;
		table = map_table(root->map, phys, sig, &flaw);
		if (table)
			return table;
		if (flaw)
			pr_warn("ACPI: table at 0x%llx, sought as %.4s, %s, not used",
				(unsigned long long)phys, sig, flaw);
	}
	return NULL;
}

const struct acpi_table *acpi_map_table(const struct acpi_root *root, phys_addr_t phys,
					const char sig[4])
{
	const char *flaw = "is not named";
	const struct acpi_table *table = phys ? map_table(root->map, phys, sig, &flaw) : NULL;

	if (!table)
		pr_warn("ACPI: table %.4s at 0x%llx %s, not used", sig, (unsigned long long)phys,
			flaw ? flaw : "has another signature");
	return table;
}

/* The layout of the MADT (ACPI 6.5, tables 5.19, 5.21, 5.26 and 5.35). */
enum {
	MADT_LAPIC_BASE = 36,
	MADT_ENTRIES = 44,
	ENTRY_LAPIC = 0,
	ENTRY_LAPIC_BASE = 5,
	ENTRY_X2APIC = 9,
	FLAG_ENABLED = 1,
	FLAG_ONLINE_CAPABLE = 2,
};

static void add_cpu(struct madt *out, u32 apic_id, u32 uid, u32 flags, u32 broadcast_id)
{
	if (!(flags & FLAG_ENABLED)) {
		out->nr_disabled++;
		if (flags & FLAG_ONLINE_CAPABLE)
			out->nr_online_capable++;
		return;
	}
	if (apic_id == broadcast_id) {
		out->nr_invalid++;
		return;
	}
	for (u32 i = 0; i < out->nr_cpus; i++) {
		if (out->cpu[i].apic_id == apic_id) {
			out->nr_duplicates++;
			return;
		}
	}
	if (out->nr_cpus == MAX_CPUS) {
		out->nr_beyond_limit++;
		return;
	}
	out->cpu[out->nr_cpus++] = (struct madt_cpu){apic_id, uid};
}

/* One entry of SIZE bytes, all of them within the table. */
static const char *parse_entry(const u8 *entry, u32 size, struct madt *out)
{
	switch (entry[0]) {
	case ENTRY_LAPIC:
		if (size < 8)
			return "MADT: local APIC entry is too short";
		add_cpu(out, entry[3], entry[2], get32(entry + 4), 0xff);
		break;
	case ENTRY_LAPIC_BASE:
		if (size < 12)
			return "MADT: local APIC address entry is too short";
		out->lapic_base = get64(entry + 4);
		break;
	case ENTRY_X2APIC:
		if (size < 16)
			return "MADT: local x2APIC entry is too short";
		add_cpu(out, get32(entry + 4), get32(entry + 12), get32(entry + 8), 0xffffffff);
		break;
	default:
		break;
	}
	return NULL;
}

const char *madt_parse(const struct acpi_table *table, struct madt *out)
{
	const u8 *bytes = (const u8 *)table;
	u32 length = table->length;
	const char *error = NULL;

	memset(out, 0, sizeof(*out));
	if (length < MADT_ENTRIES)
		return "MADT: table is shorter than 44 bytes";
	out->lapic_base = get32(bytes + MADT_LAPIC_BASE);
	for (u32 offset = MADT_ENTRIES; offset < length && !error;) {
		u32 left = length - offset;
		u32 size = left < 2 ? 0 : bytes[offset + 1];

		if (size < 2)
			return "MADT: an entry is shorter than its own header";
		if (size > left)
			return "MADT: an entry reaches beyond the table";
		error = parse_entry(bytes + offset, size, out);
		offset += size;
	}
	return error;
}

const char *acpi_read_madt(const struct acpi_root *root, struct madt *out)
{
	const struct acpi_table *table = acpi_find_table(root, "APIC");

	memset(out, 0, sizeof(*out));
	return table ? madt_parse(table, out) : "no MADT: firmware lists no CPUs";
}
