// sources: arch/x86_64/acpi_power.c arch/x86_64/acpi.c
/* SPDX-License-Identifier: MIT */
/*
 * Power-off and reset by ACPI: a FADT and a DSDT laid out byte by byte, good, short and bad. What a
 * machine really does with the values is shown by the boots in tests/machine/power.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/acpi_power.h"
#include "tests/host/host_log.h"

#define FADT_AT 0x1000
#define DSDT_AT 0x2000

/* Physical memory of this machine, and copies of exactly what was mapped, for AddressSanitizer. */
static u8 fadt[276], dsdt[128], xsdt[44];
static size_t fadt_len, dsdt_len;
static void *copies[64];
static size_t nr_copies;
static struct acpi_power power;

static const void *copy_of(const u8 *bytes, size_t have, size_t len)
{
	if (len > have || nr_copies == ARRAY_SIZE(copies))
		return NULL;
	copies[nr_copies] = malloc(len);
	memcpy(copies[nr_copies], bytes, len);
	return copies[nr_copies++];
}

static const void *map(phys_addr_t phys, size_t len)
{
	if (phys == FADT_AT)
		return copy_of(fadt, fadt_len, len);
	return phys == DSDT_AT ? copy_of(dsdt, dsdt_len, len) : NULL;
}

static void put(u8 *at, u64 value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		at[i] = (u8)(value >> (8 * i));
}

static void seal(u8 *table, const char *signature, size_t len)
{
	u8 sum = 0;

	memcpy(table, signature, 4);
	put(table + 4, len, 4);
	table[9] = 0;
	for (size_t i = 0; i < len; i++)
		sum = (u8)(sum + table[i]);
	table[9] = (u8)-sum;
}

static const char *read_power(void)
{
	struct acpi_root root = {.map = map, .entry_size = 8, .nr = 1};

	seal(fadt, "FACP", fadt_len);
	seal(dsdt, "DSDT", dsdt_len);
	put(xsdt + 36, FADT_AT, 8);
	root.entries = xsdt + 36;
	return acpi_read_power(&root, &power);
}

static void set_aml(const u8 *aml, size_t len)
{
	memset(dsdt, 0, sizeof(dsdt));
	memcpy(dsdt + 36, aml, len);
	dsdt_len = 36 + len;
}

/* Name(_S5, Package(4) { 5, 6, 0, 0 }) behind another object. */
static const u8 plain_s5[] = {0x08, 'F',  'O',	'O',  '_',  0x00, 0x08, '_', 'S',  '5',
			      '_',  0x12, 0x08, 0x04, 0x0a, 5,	  0x0a, 6,   0x00, 0x00};

static int fresh(void **state)
{
	(void)state;
	memset(fadt, 0, sizeof(fadt));
	fadt_len = 276;
	put(fadt + 40, DSDT_AT, 4);
	put(fadt + 48, 0xb2, 4);
	fadt[52] = 0xf1;
	put(fadt + 64, 0x604, 4);
	put(fadt + 68, 0x704, 4);
	put(fadt + 112, 1 << 10, 4);
	fadt[116] = 1;
	put(fadt + 120, 0xcf9, 8);
	fadt[128] = 0x0f;
	set_aml(plain_s5, sizeof(plain_s5));
	host_log_clear();
	return 0;
}

static int forget(void **state)
{
	(void)state;
	while (nr_copies)
		free(copies[--nr_copies]);
	return 0;
}

static void a_whole_machine(void **state)
{
	(void)state;
	assert_null(read_power());
	assert_int_equal(power.pm1a_control, 0x604);
	assert_int_equal(power.pm1a_value, 5 << 10 | 1 << 13);
	assert_int_equal(power.pm1b_control, 0x704);
	assert_int_equal(power.pm1b_value, 6 << 10 | 1 << 13);
	assert_int_equal(power.smi_command, 0xb2);
	assert_int_equal(power.acpi_enable, 0xf1);
	assert_int_equal(power.reset_port, 0xcf9);
	assert_int_equal(power.reset_value, 0x0f);
}

static void spellings_of_the_package(void **state)
{
	/* \_S5_, two bytes of length, ZeroOp and OneOp. */
	static const u8 root_name[] = {0x08, '\\', '_', 'S',  '5',  '_', 0x12,
				       0x47, 0x00, 4,	0x01, 0x00, 0,	 0};

	(void)state;
	set_aml(root_name, sizeof(root_name));
	assert_null(read_power());
	assert_int_equal(power.pm1a_value, 1 << 10 | 1 << 13);
	assert_int_equal(power.pm1b_value, 1 << 13);
}

static void no_package(void **state)
{
	static const u8 called[] = {0x70, '_', 'S', '5', '_', 0x12, 8, 4, 0x0a, 5, 0x0a, 5};

	(void)state;
	set_aml(called, sizeof(called)); /* used, not defined: no NameOp before it */
	assert_string_equal(read_power(), "ACPI: the DSDT has no package _S5");
	assert_int_equal(power.pm1a_control, 0);
	assert_int_equal(power.reset_port, 0xcf9);
	for (size_t len = 0; len < 15; len++) { /* cut off anywhere */
		set_aml(plain_s5 + 6, len > 11 ? 11 : len);
		assert_non_null(read_power());
		forget(NULL);
	}
}

static void the_64_bit_address_goes_first(void **state)
{
	(void)state;
	put(fadt + 40, 0x7777, 4);
	put(fadt + 140, DSDT_AT, 8);
	assert_null(read_power());
	put(fadt + 140, 0x7777, 8);
	assert_string_equal(read_power(), "ACPI: no good DSDT");
}

/* An ACPI 1.0 FADT is 116 bytes: no reset register, no 64-bit address. */
static void an_old_fadt(void **state)
{
	(void)state;
	fadt_len = 116;
	assert_null(read_power());
	assert_int_equal(power.pm1a_control, 0x604);
	assert_int_equal(power.reset_port, 0);
	fadt_len = 64;
	assert_string_equal(read_power(), "ACPI: the FADT names no PM1a control port");
}

static void what_is_no_port(void **state)
{
	(void)state;
	put(fadt + 64, 0x10000, 4);
	assert_string_equal(read_power(), "ACPI: the FADT names no PM1a control port");
	fresh(NULL);
	fadt[116] = 0; /* a reset register in memory */
	assert_null(read_power());
	assert_int_equal(power.reset_port, 0);
	fresh(NULL);
	put(fadt + 112, 0, 4); /* not supported */
	assert_null(read_power());
	assert_int_equal(power.reset_port, 0);
}

static void no_fadt(void **state)
{
	struct acpi_root root = {.map = map, .entry_size = 8};

	(void)state;
	assert_string_equal(acpi_read_power(&root, &power), "ACPI: no FADT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_whole_machine, fresh, forget),
		cmocka_unit_test_setup_teardown(spellings_of_the_package, fresh, forget),
		cmocka_unit_test_setup_teardown(no_package, fresh, forget),
		cmocka_unit_test_setup_teardown(the_64_bit_address_goes_first, fresh, forget),
		cmocka_unit_test_setup_teardown(an_old_fadt, fresh, forget),
		cmocka_unit_test_setup_teardown(what_is_no_port, fresh, forget),
		cmocka_unit_test_setup_teardown(no_fadt, fresh, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
