/* SPDX-License-Identifier: MIT */
/*
 * Switching the machine off, and resetting it. Both return if the machine does not obey.
 */
#pragma once

#include "arch/x86_64/acpi_power.h"

/* What ACPI says about it; set once at boot, all 0 without ACPI. */
extern struct acpi_power acpi_power;

/* Soft off by ACPI. Interrupts off. */
void power_off(void);

/*
 * Resets by ACPI's reset register, the chipset's reset control register (port 0xcf9), the keyboard
 * controller, and a triple fault, in this order. Interrupts off.
 */
void reboot(void);
