/* SPDX-License-Identifier: MIT */
/*
 * What ACPI says of switching the machine off and of resetting it: from the FADT (ACPI 6.5, table
 * 5.9) and from the package \_S5 of the DSDT (7.4.2.6), which is found by its name, without an
 * interpreter. Firmware's bytes are not trusted.
 */
#pragma once

#include "arch/x86_64/acpi.h"

struct acpi_power {
	/* Soft off (S5): ports 0 where there is none; types are shifted already (table 4.19). */
	u16 pm1a_control, pm1b_control;
	u16 pm1a_value, pm1b_value;
	u16 smi_command; /* 0: ACPI is on already */
	u8 acpi_enable;
	/* Reset by a byte written to a port; 0: the FADT names no port. */
	u16 reset_port;
	u8 reset_value;
};

/*
 * Reads them. Returns NULL, or what keeps the machine from being switched off; the reset fields are
 * good in either case.
 */
const char *acpi_read_power(const struct acpi_root *root, struct acpi_power *out);
