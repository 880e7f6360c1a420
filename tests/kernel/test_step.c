/* SPDX-License-Identifier: MIT */
/*
 * Stepping: a CPU goes through a system call one instruction at a time, and nothing but its pace is
 * changed by that. Each call has to come out the same, each of its positions must be reachable,
 * and a CPU that is stopped there must take an NMI and be where it was. The doors' own counts are
 * the witness: the stepping door may not move them.
 */
#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/doors.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/step.h"
#include "arch/x86_64/traps.h"
#include "kernel/stepper.h"
#include "kernel/sweep.h"
#include "tests/kernel/probe.h"

static unsigned int target(void)
{
	return nr_online_cpus() - 1;
}

static struct stepper stepper;

static bool start(const struct flush_policy *policy)
{
	const char *error;

	if (target() == 0) {
		ktest_skip("needs 2 CPUs");
		return false;
	}
	if (!select_policy_here(policy))
		return false;
	error = stepper_start(&stepper, target(), ktest_setup->options->vmap_stack);
	if (error)
		ktest_fail(__FILE__, __LINE__, "no stepped program: %s", error);
	return !error;
}

static void end(void)
{
	stepper_end(&stepper);
	select_default_policy();
}

/* In every build the last instruction of the exit zone is REX.W SYSRET: 3 bytes. */
static void expect_whole_call(void)
{
	u64 entry = step_length(STEP_TARGET, STEP_ZONE_ENTRY);
	u64 exit = step_length(STEP_TARGET, STEP_ZONE_EXIT);

	EXPECT(entry >= 28 && entry < STEP_TRACE_MAX);
	EXPECT(exit >= 24 && exit < STEP_TRACE_MAX);
	EXPECT_EQ(step_trace(STEP_TARGET, STEP_ZONE_ENTRY, 0), (u64)danger_zone_begin);
	EXPECT_EQ(step_trace(STEP_TARGET, STEP_ZONE_KERNEL, 0), (u64)danger_zone_end);
	EXPECT_EQ(step_trace(STEP_TARGET, STEP_ZONE_EXIT, 0), (u64)exit_zone_begin);
	EXPECT_EQ(step_trace(STEP_TARGET, STEP_ZONE_EXIT, exit - 1), (u64)exit_zone_end - 3);
}

KTEST(step, every_call_is_counted_the_same)
{
	const struct flush_policy *policy;
	u32 place = 0;

	while ((policy = next_sample_policy(&place))) {
		struct step_counts counts, again;
		u64 entries, exceptions;

		if (!start(policy))
			continue;
		EXPECT(stepper_count_null(&stepper, &counts));
		expect_whole_call();
		entries = user_page(target())->entries;
		exceptions = percpu(target())->irqs.exceptions;
		for (u32 i = 0; i < 5; i++) {
			EXPECT(stepper_count_null(&stepper, &again));
			EXPECT_EQ(again.entry, counts.entry);
			EXPECT_EQ(again.kernel, counts.kernel);
			EXPECT_EQ(again.exit, counts.exit);
		}
		EXPECT_EQ(user_page(target())->entries - entries, 5 * (STEP_WARM_UP_CALLS + 2));
		EXPECT_EQ(percpu(target())->irqs.exceptions - exceptions, 0);
		stepper_end(&stepper);
		EXPECT_EQ(step_count_null_syscall(target(), true),
			  counts.entry + counts.kernel + counts.exit);
		select_default_policy();
	}
}

static u64 nmis_seen;

static void count_nmi(struct pt_regs *regs)
{
	(void)regs;
	__atomic_add_fetch(&nmis_seen, 1, __ATOMIC_SEQ_CST);
}

/* Stops at each position of ZONE, lets an NMI strike, and looks whether anything has moved. */
static void stop_everywhere(enum step_zone zone, u64 length)
{
	for (u64 i = 0; i < length; i++) {
		u64 exits, rip;

		step_begin(STEP_TARGET, STEP_AT(zone, i));
		stepper_order(&stepper, STEP_TRACE_NULL);
		if (!step_wait(STEP_TARGET, NULL)) {
			ktest_fail(__FILE__, __LINE__, "zone %u, position %lu was not reached",
				   zone, i);
			stepper_wait(&stepper);
			continue;
		}
		rip = step_rip(STEP_TARGET);
		EXPECT_EQ(rip, step_trace(STEP_TARGET, zone, i));
		exits = READ_ONCE(user_page(target())->exits);
		nmis_seen = 0;
		apic_send_nmi(percpu(target())->apic_id);
		EXPECT_SOON(READ_ONCE(user_page(target())->exits) == exits + 1);
		EXPECT_EQ(__atomic_load_n(&nmis_seen, __ATOMIC_SEQ_CST), 1);
		EXPECT(step_wait(STEP_TARGET, NULL) && step_rip(STEP_TARGET) == rip);
		step_release(STEP_TARGET, STEP_TO_THE_END);
		stepper_wait(&stepper);
	}
}

KTEST(step, stops_at_every_instruction_and_takes_nmis_there)
{
	const struct flush_policy *policy;
	u32 place = 0;

	nmi_hook = count_nmi;
	while ((policy = next_sample_policy(&place))) {
		struct step_counts counts;

		if (!start(policy))
			continue;
		EXPECT(stepper_count_null(&stepper, &counts));
		stop_everywhere(STEP_ZONE_ENTRY, counts.entry);
		stop_everywhere(STEP_ZONE_KERNEL, 10);
		stop_everywhere(STEP_ZONE_EXIT, counts.exit);
		expect_whole_call();
		end();
	}
	nmi_hook = NULL;
}

static struct {
	u64 seen, rip;
} mc;

static void note_mc(struct pt_regs *regs)
{
	mc.rip = regs->rip;
	__atomic_add_fetch(&mc.seen, 1, __ATOMIC_SEQ_CST);
}

/* #MC before each instruction of ZONE: with its address, and back to it, by RET or by IRET. */
static void strike_everywhere(enum step_zone zone, u64 length)
{
	static u64 way[STEP_TRACE_MAX];

	for (u64 i = 0; i < length; i++)
		way[i] = step_trace(STEP_TARGET, zone, i);
	for (u64 i = 0; i < length; i++) {
		step_begin(STEP_TARGET, STEP_AT(zone, i));
		stepper_order(&stepper, STEP_TRACE_NULL);
		EXPECT(step_wait(STEP_TARGET, NULL) && step_rip(STEP_TARGET) == way[i]);
		mc.seen = 0;
		step_strike_mc();
		if (step_wait(STEP_TARGET, NULL)) {
			EXPECT(step_rip(STEP_TARGET) == way[i] || i + 1 == length ||
			       step_rip(STEP_TARGET) == way[i + 1]);
			step_release(STEP_TARGET, STEP_NOWHERE);
		} else {
			EXPECT(zone == STEP_ZONE_EXIT && i + 1 == length);
		}
		stepper_wait(&stepper);
		EXPECT_EQ(mc.seen, 1);
		EXPECT_EQ(mc.rip, way[i]);
	}
}

KTEST(step, mc_strikes_at_every_instruction_with_its_address)
{
	const struct flush_policy *policy;
	u32 place = 0;

	mc_hook = note_mc;
	while ((policy = next_sample_policy(&place))) {
		struct step_counts counts;

		if (!start(policy))
			continue;
		EXPECT(stepper_count_null(&stepper, &counts));
		strike_everywhere(STEP_ZONE_ENTRY, counts.entry);
		EXPECT(stepper_count_null(&stepper, &counts));
		strike_everywhere(STEP_ZONE_EXIT, counts.exit);
		end();
	}
	mc_hook = NULL;
}

/* Ring 3's way in stands for a CPU that spins there: the zone is as good as full when it begins. */
KTEST(step, a_zone_does_not_run_over_into_the_next)
{
	u64 length[STEP_ZONES];
	struct step_counts counts;

	if (!start(flush_policies[0]))
		return;
	EXPECT(stepper_count_null(&stepper, &counts));
	for (u32 zone = 0; zone < STEP_ZONES; zone++)
		length[zone] = step_length(STEP_TARGET, zone);
	step_begin(STEP_TARGET, STEP_NOWHERE);
	step_states[STEP_TARGET].position = STEP_AT(STEP_ZONE_ENTRY, BIT(STEP_ZONE_SHIFT) - 3);
	stepper_call(&stepper, STEP_TRACE_NULL);
	for (u32 zone = 0; zone < STEP_ZONES; zone++)
		EXPECT_EQ(step_length(STEP_TARGET, zone), length[zone]);
	end();
}

static void read_fmask(void *fmask)
{
	*(u64 *)fmask = rdmsr(MSR_FMASK);
}

KTEST(step, leaves_nothing_behind)
{
	u64 before = 0, armed = 0, after = 0;

	if (!start(flush_policies[0]))
		return;
	smp_call_function_single(target(), CALL_OTHER, read_fmask, &armed);
	end();
	smp_call_function_single(target(), CALL_OTHER, read_fmask, &after);
	smp_call_function_single(0, CALL_OTHER, read_fmask, &before);
	EXPECT_EQ(before & RFLAGS_TF, RFLAGS_TF);
	EXPECT_EQ(armed & RFLAGS_TF, 0);
	EXPECT_EQ(after, before);
}

KTEST(step, positions_have_names)
{
	static const struct {
		const char *text;
		u64 position;
	} good[] = {{"entry+0", 0},
		    {"kernel+16", STEP_AT(STEP_ZONE_KERNEL, 16)},
		    {"exit+0x1f", STEP_AT(STEP_ZONE_EXIT, 31)}};
	static const char *const bad[] = {"",	    "entry",   "entry+",    "entry+x",
					  "entr+1", "entry-1", "entry+64k", "+1"};
	char text[32];
	u64 position;

	for (u32 i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT(sweep_position_parse(good[i].text, &position));
		EXPECT_EQ(position, good[i].position);
		sweep_position_text(text, sizeof(text), position);
		EXPECT(sweep_position_parse(text, &position));
		EXPECT_EQ(position, good[i].position);
	}
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT(!sweep_position_parse(bad[i], &position));
}
