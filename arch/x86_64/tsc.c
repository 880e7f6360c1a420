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
#define PIT_CHANNEL2   0x42
#define PIT_COMMAND    0x43
#define PORT_B	       0x61
#define PORT_B_GATE2   BIT(0)
#define PORT_B_SPEAKER BIT(1)
#define PORT_B_OUT2    BIT(5)
#define PIT_LIMIT      50000000UL /* reads of port B before the PIT is given up */

#define SAMPLES_MAX 5

#define DEADLINE_LOOKS 251

u64 tsc_khz = 1;

/* How often the TSC ticked in PIT_TICKS, give or take SLACK. */
struct sample {
	u64 ticks, slack;
};

/*
 * One-shot on channel 2: OUT goes high when the count ends. The TSC is read on both sides of the
 * start and of the look that sees the end: what lies between, an SMI or a host that runs something
 * else, makes the sample uncertain by that much. False if OUT never goes high.
 */
static bool take_sample(struct sample *out)
{
	u8 port_b = io_in8(PORT_B) & ~(PORT_B_SPEAKER | PORT_B_GATE2);
	u64 before_start, start, before_end;

	io_out8(PORT_B, port_b);
	io_out8(PIT_COMMAND, 0xb0);
	io_out8(PIT_CHANNEL2, PIT_TICKS & 0xff);
	io_out8(PIT_CHANNEL2, PIT_TICKS >> 8);
	before_start = rdtsc_ordered();
	io_out8(PORT_B, port_b | PORT_B_GATE2);
	start = rdtsc_ordered();
	before_end = start;
	for (u64 tries = 0; !(io_in8(PORT_B) & PORT_B_OUT2); tries++) {
		if (tries == PIT_LIMIT)
			return false;
		before_end = rdtsc_ordered();
	}
	out->ticks = rdtsc_ordered() - start;
	out->slack = out->ticks - (before_end - start) + start - before_start;
	io_out8(PORT_B, port_b);
	return true;
}

/* The most certain of a few samples, the first that is within 1 % if there is one. */
static u64 khz_by_pit(void)
{
	struct sample best = {0}, sample;

	for (u32 i = 0; i < SAMPLES_MAX && take_sample(&sample); i++) {
		if (i == 0 || sample.slack < best.slack)
			best = sample;
		if (best.slack < best.ticks / 100)
			break;
	}
	if (best.slack > best.ticks / 20)
		pr_warn("TSC: rate uncertain by %lu%%: something takes the CPU away (SMM, a "
			"host)\n",
			best.slack * 100 / best.ticks);
	return best.ticks * PIT_HZ / PIT_TICKS / 1000;
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
