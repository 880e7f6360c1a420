/* SPDX-License-Identifier: MIT */
/*
 * See power.h. Every wait is a fixed time: nobody answers when it worked.
 */
#include "kernel/power.h"

#include "arch/x86_64/io.h"
#include "arch/x86_64/tsc.h"

#define PORT_RESET_CONTROL 0xcf9
#define RESET_HARD	   0x02 /* then with bit 2 set: now */
#define RESET_NOW	   0x06
#define PORT_KEYBOARD	   0x64
#define KEYBOARD_RESET	   0xfe
#define SCI_ENABLED	   0x01
#define WAIT_US		   100000
#define ENABLE_TRIES	   300 /* of 10 ms: firmware's SMM turns ACPI on */

struct acpi_power acpi_power;

void power_off(void)
{
	const struct acpi_power *p = &acpi_power;

	if (!p->pm1a_control)
		return;
	if (p->smi_command && !(io_in16(p->pm1a_control) & SCI_ENABLED)) {
		io_out8(p->smi_command, p->acpi_enable);
		for (int i = 0; i < ENABLE_TRIES && !(io_in16(p->pm1a_control) & SCI_ENABLED); i++)
			udelay(10000);
	}
	io_out16(p->pm1a_control, p->pm1a_value);
	if (p->pm1b_control)
		io_out16(p->pm1b_control, p->pm1b_value);
	udelay(WAIT_US);
}

void reboot(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} __packed no_idt;

	if (acpi_power.reset_port) {
		io_out8(acpi_power.reset_port, acpi_power.reset_value);
		udelay(WAIT_US);
	}
	io_out8(PORT_RESET_CONTROL, RESET_HARD);
	io_out8(PORT_RESET_CONTROL, RESET_NOW);
	udelay(WAIT_US);
	io_out8(PORT_KEYBOARD, KEYBOARD_RESET);
	udelay(WAIT_US);
	__asm__ volatile("lidt %0; ud2" ::"m"(no_idt));
}
