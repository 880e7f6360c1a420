/* SPDX-License-Identifier: MIT */
/*
 * See acpi_power.h. Fields behind a FADT's length are absent, not zero: each is asked for.
 */
#include "arch/x86_64/acpi_power.h"

#include "arch/x86_64/string.h"

enum {
	FADT_DSDT = 40,
	FADT_SMI_COMMAND = 48,
	FADT_ACPI_ENABLE = 52,
	FADT_PM1A_CONTROL = 64,
	FADT_PM1B_CONTROL = 68,
	FADT_FLAGS = 112,
	FADT_RESET_REGISTER = 116,
	FADT_RESET_VALUE = 128,
	FADT_X_DSDT = 140,
	FLAG_RESET_SUPPORTED = 1 << 10,
	GAS_IO_SPACE = 1,
	AML_NAME = 0x08,
	AML_BYTE_PREFIX = 0x0a,
	AML_PACKAGE = 0x12,
	SLEEP_ENABLE = 1 << 13,
	SLEEP_TYPE_SHIFT = 10,
};

/* SIZE bytes of TABLE at AT as a number; 0 where the table ends before. */
static u64 field(const struct acpi_table *table, u32 at, u32 size)
{
	u64 value = 0;

	if (at + size <= table->length)
		memcpy(&value, (const u8 *)table + at, size);
	return value;
}

/* A small integer of AML, ZeroOp and OneOp among them; *at moves behind it. False: none. */
static bool aml_byte(const u8 *aml, size_t len, size_t *at, u8 *value)
{
	if (*at < len && aml[*at] <= 1) {
		*value = aml[(*at)++];
		return true;
	}
	if (len - *at < 2 || aml[*at] != AML_BYTE_PREFIX)
		return false;
	*value = aml[*at + 1];
	*at += 2;
	return true;
}

/* The two sleep types of Name(_S5, Package { A, B, ... }), wherever it stands. */
static bool find_s5(const u8 *aml, size_t len, u8 type[2])
{
	for (size_t i = 1; i + 8 <= len; i++) {
		size_t at = i + 4;
		bool named = aml[i - 1] == AML_NAME ||
			     (i > 1 && aml[i - 1] == '\\' && aml[i - 2] == AML_NAME);

		if (!named || memcmp(aml + i, "_S5_", 4) != 0 || aml[at] != AML_PACKAGE)
			continue;
		at += 2 + (aml[at + 1] >> 6); /* PkgLength says how many bytes follow it */
		at++;			      /* the number of elements */
		if (at < len && aml_byte(aml, len, &at, &type[0]) && at < len &&
		    aml_byte(aml, len, &at, &type[1]))
			return true;
	}
	return false;
}

static void read_reset(const struct acpi_table *fadt, struct acpi_power *out)
{
	u64 port = field(fadt, FADT_RESET_REGISTER + 4, 8);

	if (!(field(fadt, FADT_FLAGS, 4) & FLAG_RESET_SUPPORTED) ||
	    field(fadt, FADT_RESET_REGISTER, 1) != GAS_IO_SPACE || port > 0xffff ||
	    fadt->length <= FADT_RESET_VALUE)
		return;
	out->reset_port = (u16)port;
	out->reset_value = (u8)field(fadt, FADT_RESET_VALUE, 1);
}

static u16 sleep_word(u8 type)
{
	return (u16)((type & 7) << SLEEP_TYPE_SHIFT | SLEEP_ENABLE);
}

const char *acpi_read_power(const struct acpi_root *root, struct acpi_power *out)
{
	const struct acpi_table *fadt = acpi_find_table(root, "FACP");
	const struct acpi_table *dsdt;
	u64 port, dsdt_at;
	u8 type[2];

	*out = (struct acpi_power){0};
	if (!fadt)
		return "ACPI: no FADT";
	read_reset(fadt, out);
	port = field(fadt, FADT_PM1A_CONTROL, 4);
	if (!port || port > 0xffff)
		return "ACPI: the FADT names no PM1a control port";
	dsdt_at = field(fadt, FADT_X_DSDT, 8);
	dsdt = acpi_map_table(root, dsdt_at ? dsdt_at : field(fadt, FADT_DSDT, 4), "DSDT");
	if (!dsdt)
		return "ACPI: no good DSDT";
	if (!find_s5((const u8 *)dsdt + sizeof(*dsdt), dsdt->length - sizeof(*dsdt), type))
		return "ACPI: the DSDT has no package _S5";
	out->pm1a_control = (u16)port;
	out->pm1a_value = sleep_word(type[0]);
	port = field(fadt, FADT_PM1B_CONTROL, 4);
	if (port <= 0xffff)
		out->pm1b_control = (u16)port;
	out->pm1b_value = sleep_word(type[1]);
	port = field(fadt, FADT_SMI_COMMAND, 4);
	out->acpi_enable = (u8)field(fadt, FADT_ACPI_ENABLE, 1);
	if (port <= 0xffff && out->acpi_enable)
		out->smi_command = (u16)port;
	return NULL;
}
