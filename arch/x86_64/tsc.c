/* SPDX-License-Identifier: MIT */
/*
 * TSC calibration, see tsc.h.
 */
#include "arch/x86_64/tsc.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/io.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/relax.h"

#define PIT_HZ	       1193182UL
#define PIT_TICKS      23864UL /* 20 ms */
#define PIT_TRIES      4
#define PIT_CHANNEL2   0x42
#define PIT_COMMAND    0x43
#define PORT_B	       0x61
#define PORT_B_GATE2   BIT(0)
#define PORT_B_SPEAKER BIT(1)
#define PORT_B_OUT2    BIT(5)
#define PIT_LIMIT      50000000UL /* reads of port B before the PIT is given up */

#define DEADLINE_LOOKS 251

u64 tsc_khz = 1;

/*
 * One-shot on channel 2: OUT goes high when the count ends. 0 if it never does. Whoever takes the
 * CPU away meanwhile (a host, an SMI) makes the result too large, never too small: the clock is
 * read before the count begins.
 */
static u64 khz_by_pit_once(void)
{
	u8 port_b = io_in8(PORT_B) & ~(PORT_B_SPEAKER | PORT_B_GATE2);
	u64 start, ticks;

	io_out8(PORT_B, port_b);
	io_out8(PIT_COMMAND, 0xb0);
	io_out8(PIT_CHANNEL2, PIT_TICKS & 0xff);
	io_out8(PIT_CHANNEL2, PIT_TICKS >> 8);
	start = rdtsc_ordered();
	io_out8(PORT_B, port_b | PORT_B_GATE2);
	for (u64 tries = 0; !(io_in8(PORT_B) & PORT_B_OUT2); tries++) {
		if (tries == PIT_LIMIT)
			return 0;
	}
	ticks = rdtsc_ordered() - start;
	io_out8(PORT_B, port_b);
	return ticks * PIT_HZ / PIT_TICKS / 1000;
}

/* The smallest of a few, or the second of two that agree within an eighth. */
static u64 khz_by_pit(void)
{
	u64 khz = khz_by_pit_once();

	for (u32 i = 1; i < PIT_TRIES && khz; i++) {
		u64 again = khz_by_pit_once();
		bool agrees = again > khz - khz / 8 && again < khz + khz / 8;

		khz = min(khz, again);
		if (agrees)
			break;
	}
	return khz;
}

static u64 khz_by_cpuid(void)
{
	u32 highest = cpuid(0, 0).eax;

	if (highest >= 0x15) {
		struct cpuid_regs r = cpuid(0x15, 0);

		if (r.eax && r.ebx && r.ecx)
			return (u64)r.ecx * r.ebx / r.eax / 1000;
	}
	return highest >= 0x16 ? (u64)(cpuid(0x16, 0).eax & 0xffff) * 1000 : 0;
}

void tsc_calibrate(void)
{
	u64 khz = khz_by_pit();

	if (khz < 1000)
		khz = khz_by_cpuid();
	if (khz < 1000) {
		pr_warn("TSC: neither the PIT nor CPUID tells its rate, 1 GHz assumed\n");
		khz = 1000000;
	}
	tsc_khz = khz;
}

u64 tsc_to_ns(u64 ticks)
{
	return ticks / tsc_khz * 1000000 + ticks % tsc_khz * 1000000 / tsc_khz;
}

void udelay(u64 microseconds)
{
	u64 end = rdtsc_ordered() + microseconds * tsc_khz / 1000;

	while ((s64)(rdtsc_ordered() - end) < 0)
		__asm__ volatile("pause");
}

u64 tsc_deadline(u64 ms)
{
	return rdtsc_ordered() + ms * tsc_khz;
}

/*
 * Under TCG every RDTSC takes one spin lock of the emulator, and an emulated CPU that loses its
 * core while it holds it stops all that wait in loops like ours: so a look in DEADLINE_LOOKS
 * will do there (an odd number, for loops with two deadlines).
 */
bool tsc_passed(u64 deadline)
{
	if (relax_without_pause && ++this_cpu()->deadline_looks % DEADLINE_LOOKS)
		return false;
	return (s64)(rdtsc_ordered() - deadline) >= 0;
}
