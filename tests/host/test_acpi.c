// sources: arch/x86_64/acpi.c
/* SPDX-License-Identifier: MIT */
/*
 * ACPI: tables recorded from QEMU's firmwares, then tables laid out byte by byte, good and bad. The
 * physical memory is a handful of regions; a mapping is a copy of exactly the bytes asked for, so
 * that AddressSanitizer sees a read outside of it. Checksums are set by a loop of this file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/acpi.h"
#include "tests/host/boot_bytes.h"
#include "tests/host/host_log.h"

#define MAX_REGIONS  8
#define MAX_MAPPINGS 4096

static struct region {
	phys_addr_t phys;
	size_t len;
	u8 bytes[8192];
} memory[MAX_REGIONS];

static void *mappings[MAX_MAPPINGS];
static int nr_regions, nr_mappings;

static struct acpi_root root;
static struct madt madt;

static const void *map(phys_addr_t phys, size_t len)
{
	assert_true(len > 0 && phys > 0 && phys + len <= 1ULL << 52);
	for (int i = 0; i < nr_regions; i++) {
		const struct region *r = &memory[i];

		if (phys < r->phys || phys - r->phys > r->len || len > r->len - (phys - r->phys))
			continue;
		assert_true(nr_mappings < MAX_MAPPINGS);
		/* An odd address: nothing may be assumed to be aligned. */
		mappings[nr_mappings] = malloc(len + 1);
		memcpy((char *)mappings[nr_mappings] + 1, r->bytes + (phys - r->phys), len);
		return (char *)mappings[nr_mappings++] + 1;
	}
	return NULL;
}

static void forget_mappings(void)
{
	while (nr_mappings)
		free(mappings[--nr_mappings]);
}

static int fresh_memory(void **state)
{
	(void)state;
	nr_regions = 0;
	forget_mappings();
	host_log_clear();
	return 0;
}

static u8 *place(phys_addr_t phys, const void *bytes, size_t len)
{
	struct region *r = &memory[nr_regions++];

	assert_true(nr_regions <= MAX_REGIONS && len <= sizeof(r->bytes));
	r->phys = phys;
	r->len = len;
	memcpy(r->bytes, bytes, len);
	return r->bytes;
}

static u8 *place_hex(phys_addr_t phys, const char *hex)
{
	u8 bytes[1024];
	size_t len = strlen(hex) / 2;

	assert_true(len <= sizeof(bytes));
	for (size_t i = 0; i < len; i++) {
		unsigned int value;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &value), 1);
		bytes[i] = (u8)value;
	}
	return place(phys, bytes, len);
}

/* Sets the byte at AT so that the first LEN bytes sum up to 0 modulo 256. */
static void set_checksum(u8 *bytes, size_t len, size_t at)
{
	unsigned int sum = 0;

	bytes[at] = 0;
	for (size_t i = 0; i < len; i++)
		sum += bytes[i];
	bytes[at] = (u8)(256 - sum % 256);
}

/* A table with a right length and checksum. */
static u8 *place_table(phys_addr_t phys, const char *sig, const void *body, size_t len)
{
	u8 bytes[8192] = {0};
	u32 length = (u32)(36 + len);
	u8 *placed;

	assert_true(length <= sizeof(bytes));
	memcpy(bytes, sig, 4);
	memcpy(bytes + 4, &length, 4);
	if (len)
		memcpy(bytes + 36, body, len);
	placed = place(phys, bytes, length);
	set_checksum(placed, length, 9);
	return placed;
}

#define TABLE(phys, sig, ...) place_table(phys, sig, BYTES(__VA_ARGS__))

static void make_rsdp(u8 bytes[36], u8 revision, u32 rsdt, u64 xsdt)
{
	static const u8 length[4] = {U32(36)};

	memset(bytes, 0, 36);
	memcpy(bytes, "RSD PTR ", 8);
	memcpy(bytes + 9, "TESTER", 6);
	bytes[15] = revision;
	memcpy(bytes + 16, &rsdt, 4);
	set_checksum(bytes, 20, 8);
	if (revision < 2)
		return;
	memcpy(bytes + 20, length, 4);
	memcpy(bytes + 24, &xsdt, 8);
	set_checksum(bytes, 36, 32);
}

static void assert_same(const char *actual, const char *expected)
{
	assert_string_equal(actual ? actual : "no error", expected ? expected : "no error");
}

static const char qemu_madt[] =
	"4150494390000000014b424f4348532042585043202020200100000042585043010000000000e0fe01000000"
	"0008000001000000000801010100000000080202010000000008030301000000010c00000000c0fe00000000"
	"020a0000020000000000020a0005050000000d00020a0009090000000d00020a000a0a0000000d00020a000b"
	"0b0000000d000406ff000001";

static void assert_four_qemu_cpus(void)
{
	assert_null(acpi_read_madt(&root, &madt));
	assert_int_equal(madt.lapic_base, 0xfee00000);
	assert_int_equal(madt.nr_cpus, 4);
	for (u32 i = 0; i < 4; i++) {
		assert_int_equal(madt.cpu[i].apic_id, i);
		assert_int_equal(madt.cpu[i].uid, i);
	}
	assert_int_equal(madt.nr_disabled + madt.nr_online_capable + madt.nr_duplicates +
				 madt.nr_invalid + madt.nr_beyond_limit,
			 0);
	assert_string_equal(host_log_text, "");
}

/* Revision 0 and an RSDT, all at odd addresses. FACP, HPET and WAET are left as headers. */
static void seabios_of_qemu(void **state)
{
	static const phys_addr_t others[] = {0xffe1a57, 0xffe1b5b, 0xffe1b93};
	const u8 *rsdp = place_hex(0xf59d0, "52534420505452206f424f4348532000bb1bfe0f");

	(void)state;
	place_hex(0xffe1bbb, "52534454340000000175424f43485320425850432020202001000000425850430100"
			     "0000571afe0fcb1afe0f5b1bfe0f931bfe0f");
	place_hex(0xffe1acb, qemu_madt);
	for (int i = 0; i < 3; i++)
		place_table(others[i], "WAET", NULL, 0);
	assert_null(acpi_root_init(&root, rsdp, 20, map));
	assert_int_equal(root.entry_size, 4);
	assert_int_equal(root.nr, 4);
	assert_four_qemu_cpus();
	assert_null(acpi_root_init_at(&root, 0xf59d0, map));
	assert_four_qemu_cpus();
}

/* Revision 2 and an XSDT of six tables; the RSDT that it also names is not there at all. */
static void ovmf_of_qemu(void **state)
{
	const u8 *rsdp = place_hex(0x8450,
				   "525344205054522086424f434853200274c0771f24000000e8c0771f00"
				   "0000009e000000");

	(void)state;
	place_hex(
		0x1f77c0e8,
		"58534454540000000103424f4348532042585043202020200100000020202020130000010080771f00"
		"0000000070771f000000000060771f000000000050771f000000000040771f000000000030771f0000"
		"0000");
	place_table(0x1f778000, "FACP", NULL, 0);
	place_hex(0x1f777000, qemu_madt);
	assert_null(acpi_root_init(&root, rsdp, 36, map));
	assert_int_equal(root.entry_size, 8);
	assert_int_equal(root.nr, 6);
	assert_four_qemu_cpus();
	assert_null(acpi_root_init_at(&root, 0x8450, map));
	assert_four_qemu_cpus();
}

static void bad_root_pointers_are_named(void **state)
{
	static const struct {
		const char *error;
		u8 revision;
		int at; /* this byte of a good one is changed */
		size_t len;
	} cases[] = {
		{NULL, 0, -1, 20},
		{NULL, 0, -1, 36},
		{NULL, 0, 33, 36}, /* not part of an old one */
		{NULL, 1, -1, 36},
		{NULL, 2, -1, 36},
		{NULL, 3, -1, 36},
		{NULL, 2, -1, 20}, /* a loader that copied the old part only */
		{"ACPI: no root pointer (RSDP)", 0, -1, 0},
		{"ACPI: no root pointer (RSDP)", 2, -1, 19},
		{"ACPI: root pointer has a wrong signature", 2, 7, 36},
		{"ACPI: root pointer has a wrong signature", 0, 0, 20},
		{"ACPI: root pointer has a wrong checksum", 0, 8, 20},
		{"ACPI: root pointer has a wrong checksum", 2, 12, 36},
		{"ACPI: root pointer's length is not 36 bytes", 2, 20, 36},
		{"ACPI: root pointer's length is not 36 bytes", 2, 23, 36},
		{"ACPI: root pointer has a wrong extended checksum", 2, 32, 36},
		{"ACPI: root pointer has a wrong extended checksum", 2, 35, 36},
		{"ACPI: root pointer has a wrong extended checksum", 2, 24, 36},
	};

	(void)state;
	TABLE(0x2000, "RSDT", U32(0x9000));
	TABLE(0x3000, "XSDT", U64(0x9000ULL));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		u8 rsdp[36], *exact;

		make_rsdp(rsdp, cases[i].revision, 0x2000, 0x3000);
		if (cases[i].at >= 0)
			rsdp[cases[i].at] ^= 0x40;
		exact = malloc(cases[i].len ? cases[i].len : 1);
		memcpy(exact, rsdp, cases[i].len);
		assert_same(acpi_root_init(&root, exact, cases[i].len, map), cases[i].error);
		free(exact);
		if (!cases[i].error)
			assert_int_equal(root.entry_size,
					 cases[i].revision >= 2 && cases[i].len == 36 ? 8 : 4);
	}
}

static void root_pointers_in_memory(void **state)
{
	u8 rsdp[36];

	(void)state;
	TABLE(0x3000, "XSDT", U64(0x9000ULL));
	assert_same(acpi_root_init_at(&root, 0, map),
		    "ACPI: no root pointer (RSDP) at the address given");
	assert_same(acpi_root_init_at(&root, ~0ULL, map),
		    "ACPI: no root pointer (RSDP) at the address given");
	assert_same(acpi_root_init_at(&root, 0xe0000, map),
		    "ACPI: no root pointer (RSDP) at the address given");
	make_rsdp(rsdp, 2, 0, 0x3000);
	place(0xe0000, rsdp, 35);
	assert_same(acpi_root_init_at(&root, 0xe0000, map),
		    "ACPI: root pointer cannot be mapped whole");
	place(0xe8000, rsdp, 36);
	assert_null(acpi_root_init_at(&root, 0xe8000, map));
	/* 20 bytes are enough of an old one; then no RSDT is named here. */
	make_rsdp(rsdp, 0, 0, 0);
	place(0xf0000, rsdp, 20);
	assert_same(acpi_root_init_at(&root, 0xf0000, map),
		    "ACPI: root pointer leads to no good XSDT or RSDT");
}

/* What is wrong with the XSDT is said, and the RSDT taken; without one it is an error. */
static void a_bad_xsdt_falls_back_to_the_rsdt(void **state)
{
	static const struct {
		const char *warning;
		phys_addr_t xsdt;
		const char *sig;
		u32 length;
		u8 damage;
	} cases[] = {
		{"ACPI: table XSDT at 0x3000 cannot be mapped, not used", 0x3000, NULL, 0, 0},
		{"ACPI: table XSDT at 0xffffffffffffffff cannot be mapped, not used", ~0ULL, NULL,
		 0, 0},
		{"ACPI: table XSDT at 0x3000 has another signature, not used", 0x3000, "RSDT", 44,
		 0},
		{"ACPI: table XSDT at 0x3000 is shorter than its header or longer than 1 MiB, not "
		 "used",
		 0x3000, "XSDT", 35, 0},
		{"ACPI: table XSDT at 0x3000 is shorter than its header or longer than 1 MiB, not "
		 "used",
		 0x3000, "XSDT", 0, 0},
		{"ACPI: table XSDT at 0x3000 is shorter than its header or longer than 1 MiB, not "
		 "used",
		 0x3000, "XSDT", 0x100001, 0},
		{"ACPI: table XSDT at 0x3000 is shorter than its header or longer than 1 MiB, not "
		 "used",
		 0x3000, "XSDT", 0xffffffff, 0},
		{"ACPI: table XSDT at 0x3000 cannot be mapped whole, not used", 0x3000, "XSDT", 45,
		 0},
		{"ACPI: table XSDT at 0x3000 has a wrong checksum, not used", 0x3000, "XSDT", 44,
		 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (u32 rsdt = 0; rsdt <= 0x2000; rsdt += 0x2000) {
			u8 rsdp[36];

			fresh_memory(state);
			make_rsdp(rsdp, 2, rsdt, cases[i].xsdt);
			TABLE(0x2000, "RSDT", U32(0x9000), U32(0xa000));
			if (cases[i].sig) {
				u8 *table = TABLE(0x3000, cases[i].sig, U64(0x9000ULL));

				memcpy(table + 4, &cases[i].length, 4);
				set_checksum(table, 44, 9);
				table[40] = (u8)(table[40] + cases[i].damage);
			}
			assert_same(acpi_root_init(&root, rsdp, 36, map),
				    rsdt ? NULL
					 : "ACPI: root pointer leads to no good XSDT or RSDT");
			assert_true(host_log_has(cases[i].warning));
			if (rsdt) {
				assert_int_equal(root.entry_size, 4);
				assert_int_equal(root.nr, 2);
			}
		}
	}
}

static void the_xsdt_goes_first(void **state)
{
	u8 rsdp[36];

	(void)state;
	TABLE(0x2000, "RSDT", U32(0x4000));
	/* Beyond 4 GiB, where only an XSDT can point; 3 bytes behind the last entry are ignored. */
	TABLE(0x3000, "XSDT", U64(0x123456789aULL), 1, 2, 3);
	TABLE(0x4000, "APIC", U32(0x1000), U32(0));
	TABLE(0x123456789a, "APIC", U32(0x2000), U32(0));
	make_rsdp(rsdp, 2, 0x2000, 0x3000);
	assert_null(acpi_root_init(&root, rsdp, 36, map));
	assert_int_equal(root.nr, 1);
	assert_null(acpi_read_madt(&root, &madt));
	assert_int_equal(madt.lapic_base, 0x2000);

	/* An XSDT address of 0 is none, whatever the revision. */
	make_rsdp(rsdp, 2, 0x2000, 0);
	assert_null(acpi_root_init(&root, rsdp, 36, map));
	assert_null(acpi_read_madt(&root, &madt));
	assert_int_equal(madt.lapic_base, 0x1000);
	assert_string_equal(host_log_text, "");
}

static void damaged_tables_are_passed_over(void **state)
{
	u8 rsdp[36];
	u8 *broken;

	(void)state;
	TABLE(0x2000, "RSDT", U32(0), U32(0x7000), U32(0x4000), U32(0x5000), U32(0x6000));
	broken = TABLE(0x4000, "APIC", U32(0x1000), U32(0));
	broken[36]++;
	TABLE(0x5000, "HPET", U32(0));
	make_rsdp(rsdp, 0, 0x2000, 0);
	assert_null(acpi_root_init(&root, rsdp, 20, map));

	assert_null(acpi_find_table(&root, "APIC"));
	assert_string_equal(
		host_log_text,
		"ACPI: table at 0x7000, sought as APIC, cannot be mapped, not used\n"
		"ACPI: table at 0x4000, sought as APIC, has a wrong checksum, not used\n"
		"ACPI: table at 0x6000, sought as APIC, cannot be mapped, not used\n");
	assert_same(acpi_read_madt(&root, &madt), "no MADT: firmware lists no CPUs");
	assert_int_equal(madt.nr_cpus, 0);

	/* A second, good one is found behind the broken one. */
	TABLE(0x6000, "APIC", U32(0x3000), U32(0));
	assert_null(acpi_read_madt(&root, &madt));
	assert_int_equal(madt.lapic_base, 0x3000);
	assert_non_null(acpi_find_table(&root, "HPET"));
	assert_null(acpi_find_table(&root, "HPE "));
}

static void an_empty_root_table_lists_nothing(void **state)
{
	u8 rsdp[36];

	(void)state;
	place_table(0x2000, "RSDT", NULL, 0);
	make_rsdp(rsdp, 0, 0x2000, 0);
	assert_null(acpi_root_init(&root, rsdp, 20, map));
	assert_int_equal(root.nr, 0);
	assert_same(acpi_read_madt(&root, &madt), "no MADT: firmware lists no CPUs");
}

/* Parses a MADT with these bytes behind its header, mapped exactly. */
static const char *parse_madt(const void *body, size_t len)
{
	const char *error;

	nr_regions = 0;
	place_table(0x1000, "APIC", body, len);
	memset(&madt, 0xa5, sizeof(madt));
	error = madt_parse(map(0x1000, 36 + len), &madt);
	forget_mappings();
	return error;
}

#define FIXED		       U32(0xfee00000), U32(1)
#define LAPIC(uid, id, flags)  0, 8, uid, id, U32(flags)
#define X2APIC(uid, id, flags) 9, 16, U16(0), U32(id), U32(flags), U32(uid)
#define LAPIC_BASE(base)       5, 12, U16(0), U64(base)
#define IOAPIC		       1, 12, 0, 0, U32(0xfec00000), U32(0)

static void cpus_of_a_madt(void **state)
{
	const struct {
		const char *what, *error;
		const u8 *bytes;
		size_t len;
		u32 ids[6], nr;
		u32 disabled, online_capable, duplicates, invalid;
		phys_addr_t base;
	} cases[] = {
		{"no entries", NULL, BYTES(FIXED), {0}, 0, 0, 0, 0, 0, 0xfee00000},
		{"sparse ids, in the table's order, both kinds",
		 NULL,
		 BYTES(FIXED, IOAPIC, LAPIC(1, 254, 1), LAPIC(2, 0, 1), X2APIC(3, 0x10000, 1),
		       X2APIC(4, 0xfffffffe, 1), X2APIC(5, 255, 1), X2APIC(6, 7, 1)),
		 {254, 0, 0x10000, 0xfffffffe, 255, 7},
		 6,
		 0,
		 0,
		 0,
		 0,
		 0xfee00000},
		{"not enabled",
		 NULL,
		 BYTES(FIXED, LAPIC(0, 0, 1), LAPIC(1, 1, 0), LAPIC(2, 2, 2), X2APIC(3, 300, 0),
		       X2APIC(4, 400, 2)),
		 {0},
		 1,
		 4,
		 2,
		 0,
		 0,
		 0xfee00000},
		{"enabled and online capable, and flags of the future",
		 NULL,
		 BYTES(FIXED, LAPIC(0, 0, 3), LAPIC(1, 1, 0xfffffffd)),
		 {0, 1},
		 2,
		 0,
		 0,
		 0,
		 0,
		 0xfee00000},
		{"listed twice, as either kind; a disabled twin is no duplicate",
		 NULL,
		 BYTES(FIXED, LAPIC(0, 3, 1), LAPIC(1, 3, 1), X2APIC(2, 3, 1), LAPIC(3, 3, 0),
		       X2APIC(4, 4, 1)),
		 {3, 4},
		 2,
		 1,
		 0,
		 2,
		 0,
		 0xfee00000},
		{"broadcast ids; those of disabled CPUs are usual",
		 NULL,
		 BYTES(FIXED, LAPIC(0, 0xff, 1), LAPIC(1, 0xff, 0), X2APIC(2, 0xffffffff, 1),
		       X2APIC(3, 0xffffffff, 0), LAPIC(4, 1, 1)),
		 {1},
		 1,
		 2,
		 0,
		 0,
		 2,
		 0xfee00000},
		{"another base",
		 NULL,
		 BYTES(FIXED, LAPIC_BASE(0x123456000ULL), LAPIC(0, 0, 1)),
		 {0},
		 1,
		 0,
		 0,
		 0,
		 0,
		 0x123456000},
		{"unknown kinds and longer entries",
		 NULL,
		 BYTES(FIXED, 0x7f, 2, 0x80, 5, 1, 2, 3, 0, 10, 0, 9, U32(1), 0xee, 0xee,
		       LAPIC(1, 8, 1)),
		 {9, 8},
		 2,
		 0,
		 0,
		 0,
		 0,
		 0xfee00000},

		{"length 0",
		 "MADT: an entry is shorter than its own header",
		 BYTES(FIXED, LAPIC(0, 5, 1), 0, 0, 0, 0, 0, 0, 0, 0),
		 {5},
		 1,
		 0,
		 0,
		 0,
		 0,
		 0xfee00000},
		{"length 1",
		 "MADT: an entry is shorter than its own header",
		 BYTES(FIXED, LAPIC(0, 5, 1), 4, 1),
		 {5},
		 1,
		 0,
		 0,
		 0,
		 0,
		 0xfee00000},
		{"half a header",
		 "MADT: an entry is shorter than its own header",
		 BYTES(FIXED, LAPIC(0, 5, 1), 0),
		 {5},
		 1,
		 0,
		 0,
		 0,
		 0,
		 0xfee00000},
		{"beyond the table",
		 "MADT: an entry reaches beyond the table",
		 BYTES(FIXED, LAPIC(0, 5, 1), 0, 8, 0, 0, 1, 0, 0),
		 {5},
		 1,
		 0,
		 0,
		 0,
		 0,
		 0xfee00000},
		{"far beyond the table",
		 "MADT: an entry reaches beyond the table",
		 BYTES(FIXED, 77, 255),
		 {0},
		 0,
		 0,
		 0,
		 0,
		 0,
		 0xfee00000},
		{"short local APIC",
		 "MADT: local APIC entry is too short",
		 BYTES(FIXED, 0, 7, 0, 0, 1, 0, 0),
		 {0},
		 0,
		 0,
		 0,
		 0,
		 0,
		 0xfee00000},
		{"short x2APIC",
		 "MADT: local x2APIC entry is too short",
		 BYTES(FIXED, 9, 15, U16(0), U32(1), U32(1), 0, 0, 0),
		 {0},
		 0,
		 0,
		 0,
		 0,
		 0,
		 0xfee00000},
		{"short base",
		 "MADT: local APIC address entry is too short",
		 BYTES(FIXED, 5, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0),
		 {0},
		 0,
		 0,
		 0,
		 0,
		 0,
		 0xfee00000},
		{"no fixed part",
		 "MADT: table is shorter than 44 bytes",
		 BYTES(U32(0xfee00000), 1, 0, 0),
		 {0},
		 0,
		 0,
		 0,
		 0,
		 0,
		 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("# %s\n", cases[i].what);
		assert_same(parse_madt(cases[i].bytes, cases[i].len), cases[i].error);
		assert_int_equal(madt.nr_cpus, cases[i].nr);
		for (u32 k = 0; k < cases[i].nr; k++)
			assert_int_equal(madt.cpu[k].apic_id, cases[i].ids[k]);
		assert_int_equal(madt.nr_disabled, cases[i].disabled);
		assert_int_equal(madt.nr_online_capable, cases[i].online_capable);
		assert_int_equal(madt.nr_duplicates, cases[i].duplicates);
		assert_int_equal(madt.nr_invalid, cases[i].invalid);
		assert_int_equal(madt.nr_beyond_limit, 0);
		assert_int_equal(madt.lapic_base, cases[i].base);
	}
}

/* ACPI's own numbers have nothing to do with the APIC ids. */
static void uids_of_a_madt(void **state)
{
	static const u8 body[] = {FIXED, LAPIC(17, 0, 1), X2APIC(0x12345, 1, 1)};

	(void)state;
	assert_null(parse_madt(body, sizeof(body)));
	assert_int_equal(madt.cpu[0].uid, 17);
	assert_int_equal(madt.cpu[1].uid, 0x12345);
}

/* The last bytes below 2^52, which is where physical addresses end. */
static void tables_at_the_end_of_memory(void **state)
{
	const phys_addr_t end = 1ULL << 52;
	u8 rsdp[36];

	(void)state;
	TABLE(0x3000, "XSDT", U64((1ULL << 52) - 44), U64(1ULL << 52));
	TABLE(end - 44, "APIC", FIXED);
	make_rsdp(rsdp, 2, 0, 0x3000);
	assert_null(acpi_root_init(&root, rsdp, 36, map));
	assert_null(acpi_read_madt(&root, &madt));
	assert_null(acpi_find_table(&root, "HPET"));
	assert_string_equal(
		host_log_text,
		"ACPI: table at 0x10000000000000, sought as HPET, cannot be mapped, not used\n");
}

static void more_cpus_than_the_kernel_takes(void **state)
{
	static u8 body[8 + 300 * 16 + 16];
	static const u8 fixed[] = {FIXED};
	const u8 twin[] = {X2APIC(0, 3 * 255, 1)};

	(void)state;
	memcpy(body, fixed, 8);
	for (u32 i = 0; i < 300; i++) {
		const u8 entry[] = {X2APIC(i, 3 * i, 1)};

		memcpy(body + 8 + i * 16, entry, 16);
	}
	memcpy(body + 8 + 300 * 16, twin, 16);
	assert_null(parse_madt(body, sizeof(body)));
	assert_int_equal(madt.nr_cpus, 256);
	assert_int_equal(madt.cpu[255].apic_id, 3 * 255);
	assert_int_equal(madt.cpu[255].uid, 255);
	assert_int_equal(madt.nr_beyond_limit, 44);
	assert_int_equal(madt.nr_duplicates, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(seabios_of_qemu, fresh_memory),
		cmocka_unit_test_setup(ovmf_of_qemu, fresh_memory),
		cmocka_unit_test_setup(bad_root_pointers_are_named, fresh_memory),
		cmocka_unit_test_setup(root_pointers_in_memory, fresh_memory),
		cmocka_unit_test_setup(a_bad_xsdt_falls_back_to_the_rsdt, fresh_memory),
		cmocka_unit_test_setup(the_xsdt_goes_first, fresh_memory),
		cmocka_unit_test_setup(damaged_tables_are_passed_over, fresh_memory),
		cmocka_unit_test_setup(an_empty_root_table_lists_nothing, fresh_memory),
		cmocka_unit_test_setup(cpus_of_a_madt, fresh_memory),
		cmocka_unit_test_setup(uids_of_a_madt, fresh_memory),
		cmocka_unit_test_setup(tables_at_the_end_of_memory, fresh_memory),
		cmocka_unit_test_setup(more_cpus_than_the_kernel_takes, fresh_memory),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	forget_mappings();
	return failed;
}
