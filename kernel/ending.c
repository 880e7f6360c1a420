/* SPDX-License-Identifier: MIT */
/*
 * See ending.h. QEMU's isa-debug-exit takes the value at port 0xf4, Bochs the word at port 0x8900;
 * on a real machine both ports are nobody's, and the CPU halts with the report on the screen.
 */
#include "kernel/ending.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/io.h"
#include "arch/x86_64/tsc.h"
#include "kernel/console.h"
#include "kernel/format.h"
#include "kernel/power.h"

#define PORT_QEMU_EXIT	0xf4
#define PORT_BOCHS_EXIT 0x8900

u32 panic_reboot_seconds;
u32 end_action;

const char *ending_word(enum ending ending)
{
	switch (ending) {
	case END_PASS:
		return "pass";
	case END_FAIL:
		return "fail";
	case END_ERROR:
		return "error";
	case END_REFUSED:
		return "refused";
	case END_PANIC:
		break;
	}
	return "panic";
}

/* A panic does not: its report stays for whoever reads the screen, unless panic= says otherwise. */
static void act(u32 action)
{
	static const char failed[] = "lateflush: the machine did not obey end=, it halts\n";

	if (action == END_REBOOTS)
		reboot();
	else
		power_off();
	console_write(failed, sizeof(failed) - 1);
}

void machine_end(enum ending ending)
{
	static const char shutdown[] = "Shutdown";
	char line[40];
	int length = snprintf(line, sizeof(line), "lateflush: verdict: %s\n", ending_word(ending));

	local_irq_disable();
	console_write(line, (size_t)length);
	io_out32(PORT_QEMU_EXIT, ending);
	for (size_t i = 0; i < sizeof(shutdown) - 1; i++)
		io_out8(PORT_BOCHS_EXIT, (u8)shutdown[i]);
	if (ending == END_PANIC && panic_reboot_seconds) {
		udelay((u64)panic_reboot_seconds * 1000000);
		reboot();
	}
	if (ending != END_PANIC && end_action != END_HALTS)
		act(end_action);
	cpu_halt_forever();
}
