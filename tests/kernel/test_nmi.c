/* SPDX-License-Identifier: MIT */
/*
 * NMIs against everything else: against themselves, and against every instruction of the two
 * windows in which the kernel runs between ring 3's state and its own.
 *
 * Against themselves. An NMI handler may take an exception: a breakpoint in code under observation,
 * a fault that the exception table expects. If that exception returned by IRET, NMIs would be
 * unblocked with the handler still on the NMI stack, and a second one that is already pending would
 * overwrite its frame. The test sends the second NMI from within the first, or from another CPU,
 * takes both kinds of exception, and only then lets the first end: depth never above 1.
 *
 * Against the windows. The list of instructions comes from the machine, not from a disassembler: a
 * hardware breakpoint is set on every byte of both windows in turn, and those that hit during a
 * system call are the instructions of its path. Each of these #DBs is a test of its own, for it has
 * to come back: by RET where the stack is the kernel's, by IRET where it is still, or again, the
 * user's; and each looks at the flags, which ring 3 had set to what disturbs a kernel. Then NMIs
 * are sent at a CPU that does nothing but system calls; the hook notes where each one hit and
 * checks GS, and the doors' own counts have to agree at the end.
 *
 * Where an NMI can hit depends on the machine. Hardware takes it at any instruction; QEMU's
 * interpreter at the ends of its translation blocks only, unless it runs with -singlestep. The test
 * therefore prints what was hit and demands all of it only with run=test,nmi=all. #MC cannot be
 * produced at will: its door is the NMI's, by the same code and with a stack of its own.
 */
#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/doors.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/traps.h"
#include "kernel/random.h"
#include "mm/policy/policy.h"
#include "tests/kernel/breakpoint.h"
#include "tests/kernel/probe.h"
#include "tests/kernel/ring3.h"

/* Where RSP is the user's again (entry.asm). */
extern const char sysret_gap[];

static unsigned int target(void)
{
	return nr_online_cpus() - 1;
}

/* --- Against themselves ------------------------------------------------------------------------
 */

static struct {
	u32 nmis, depth, deepest, breakpoints, faults;
	bool by_another, second_sent, second_early;
} nested;

static void count_breakpoint(struct pt_regs *regs)
{
	(void)regs;
	nested.breakpoints++;
}

static void nested_nmi(struct pt_regs *regs)
{
	u32 depth = ++nested.depth;

	(void)regs;
	nested.deepest = max(nested.deepest, depth);
	if (__atomic_add_fetch(&nested.nmis, 1, __ATOMIC_SEQ_CST) == 1) {
		if (nested.by_another)
			wait_until(SOON_MS, READ_ONCE(nested.second_sent));
		else
			apic_send_nmi(this_cpu()->apic_id);
		udelay(200);
		__asm__ volatile("int3" ::: "memory");
		udelay(200);
		nested.faults += probe_read(0) == VECTOR_PF;
		udelay(200);
		nested.second_early = READ_ONCE(nested.nmis) != 1;
	}
	nested.depth--;
}

static void expect_not_nested(void)
{
	EXPECT_SOON(__atomic_load_n(&nested.nmis, __ATOMIC_SEQ_CST) == 2);
	EXPECT(!nested.second_early);
	EXPECT_EQ(nested.deepest, 1);
	EXPECT_EQ(nested.breakpoints, 1);
	EXPECT_EQ(nested.faults, 1);
}

static void nest_by_self(void *unused)
{
	(void)unused;
	nested = (typeof(nested)){0};
	apic_send_nmi(this_cpu()->apic_id);
	expect_not_nested();
}

KTEST(nmi, second_by_itself_waits)
{
	nmi_hook = nested_nmi;
	bp_hook = count_breakpoint;
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		on_cpu(cpu, nest_by_self, NULL, "NMI within NMI");
	nmi_hook = bp_hook = NULL;
}

KTEST(nmi, second_by_another_cpu_waits)
{
	if (target() == 0) {
		ktest_skip("needs 2 CPUs");
		return;
	}
	bp_hook = count_breakpoint;
	for (u32 round = 0; round < 5; round++) {
		nested = (typeof(nested)){.by_another = true};
		nmi_hook = nested_nmi;
		apic_send_nmi(percpu(target())->apic_id);
		EXPECT_SOON(READ_ONCE(nested.nmis) == 1);
		apic_send_nmi(percpu(target())->apic_id);
		__atomic_store_n(&nested.second_sent, true, __ATOMIC_SEQ_CST);
		expect_not_nested();
		EXPECT_SOON(READ_ONCE(nested.depth) == 0);
		nmi_hook = NULL;
	}
	bp_hook = NULL;
}

/* --- The windows -------------------------------------------------------------------------------
 */

#define WINDOW_MAX 1024

static struct window {
	const char *name;
	const char *begin, *end;
	bool instruction[WINDOW_MAX]; /* of a system call's path */
	bool hit[WINDOW_MAX];	      /* by an NMI in ring 0 */
} windows[] = {
	{.name = "danger zone", .begin = danger_zone_begin, .end = danger_zone_end},
	{.name = "exit zone", .begin = exit_zone_begin, .end = exit_zone_end},
};

static struct window *window_of(u64 rip)
{
	for (u32 i = 0; i < ARRAY_SIZE(windows); i++)
		if (rip >= (u64)windows[i].begin && rip < (u64)windows[i].end)
			return &windows[i];
	return NULL;
}

static u32 count_set(const bool *flags)
{
	u32 n = 0;

	for (u32 i = 0; i < WINDOW_MAX; i++)
		n += flags[i];
	return n;
}

/* GS must lead to this CPU's block, and RSP to the door's own stack. */
static bool is_at_home(void)
{
	return rdmsr(MSR_GS_BASE) == cpu_area(target()) && this_cpu()->cpu == target() &&
	       this_cpu()->apic_id == apic_id_local();
}

/* Three addresses of a window under observation. */
static struct {
	u64 address[3];
	bool armed;
	u32 strangers; /* #DBs that nobody asked for, or with a wrong GS */
	u32 on_user_stack;
	u32 user_flags; /* #DBs at which a flag of ring 3's was still in force */
} watch;

/* Armed by the first system call itself, so that the task's start is not taken for one. */
static void on_breakpoint(struct pt_regs *regs)
{
	if (!is_at_home() || user_mode(regs))
		watch.strangers++;
	if (regs->rsp < USER_END)
		watch.on_user_stack++;
	if (regs->rflags & (RFLAGS_DF | RFLAGS_AC | RFLAGS_TF | RFLAGS_NT | RFLAGS_IF))
		watch.user_flags++;
	if (!watch.armed) {
		watch.strangers += regs->rip != (u64)danger_zone_begin;
		watch.armed = true;
		breakpoint_set3(watch.address);
		if (watch.address[0] == (u64)danger_zone_begin) {
			windows[0].instruction[0] = true;
			write_dr7(read_dr7() & ~1UL);
		}
		return;
	}
	for (u32 i = 0; i < 3; i++) {
		struct window *window = window_of(regs->rip);

		if (regs->rip != watch.address[i])
			continue;
		if (window) /* the last address of three may lie behind it */
			window->instruction[regs->rip - (u64)window->begin] = true;
		write_dr7(read_dr7() & ~(1UL << (2 * i)));
		return;
	}
	watch.strangers++;
	breakpoints_clear();
}

/* Two system calls, one of which comes back, with breakpoints on ADDRESS and the two behind it. */
static bool watch_from(struct ring3 *r, u64 address)
{
	for (u32 i = 0; i < 3; i++)
		watch.address[i] = address + i;
	watch.armed = false;
	breakpoint_set((u64)danger_zone_begin);
	r->task->ended = false;
	r->task->exit_code = ~0UL;
	task_run(r->task);
	breakpoints_clear();
	return watch.armed && r->task->exit_code == 0;
}

static void find_instructions(void *arg)
{
	struct ring3 *r = arg;

	for (u32 i = 0; i < ARRAY_SIZE(windows); i++) {
		for (u64 at = (u64)windows[i].begin; at < (u64)windows[i].end; at += 3) {
			if (watch_from(r, at))
				continue;
			if (!watch.armed)
				return; /* no hardware breakpoints here */
			ktest_fail(__FILE__, __LINE__, "%s: the task did not come through: %s",
				   windows[i].name, r->task->fault);
			return;
		}
	}
}

/* Fills in the windows' instructions. Once; false: the machine has no breakpoints. */
static bool know_instructions(void)
{
	struct ring3 r;

	if (count_set(windows[0].instruction))
		return true;
	for (u32 i = 0; i < ARRAY_SIZE(windows); i++)
		BUG_ON(windows[i].end - windows[i].begin > WINDOW_MAX);
	if (!ring3_create(&r, target(), "test_doors", DOOR_SYSCALL))
		return false;
	r.page->flags = RFLAGS_FIXED | RFLAGS_IF | RFLAGS_DF | RFLAGS_AC | RFLAGS_NT;
	r.page->rsp = 0x1234;
	db_hook = on_breakpoint;
	on_cpu(target(), find_instructions, &r, "breakpoints on the SYSCALL path");
	db_hook = NULL;
	ring3_destroy(&r);
	return count_set(windows[0].instruction);
}

/*
 * SYSCALL's way in has at least SWAPGS, the stack, 22 pushes and the call of enter; its way out the
 * call of exit, 15 pops, SWAPGS and SYSRET. A #DB on each of them has come back.
 */
KTEST(nmi, breakpoint_on_every_instruction_of_a_system_call)
{
	u32 in, out;

	if (!know_instructions()) {
		ktest_skip("no hardware breakpoints on this machine");
		return;
	}
	in = count_set(windows[0].instruction);
	out = count_set(windows[1].instruction);
	pr_info("    # instructions of a system call: %u in the danger zone, %u in the exit zone",
		in, out);
	EXPECT(in >= 28 && in <= 40);
	EXPECT(out >= 23 && out <= 32);
	EXPECT(windows[1].instruction[sysret_gap - exit_zone_begin]);
	EXPECT_EQ(watch.strangers, 0);
	EXPECT_EQ(watch.user_flags, 0);
	EXPECT(watch.on_user_stack >= 4);
}

/* --- The storm ---------------------------------------------------------------------------------
 */

#define NMIS_SOME     300
#define NMIS_ALL      2000000
#define STORM_ALL_MS  120000
#define STORM_SOME_MS 2000

static struct {
	u64 nmis, in_ring3, in_windows, on_user_stack, strangers;
} storm;

static void note_nmi(struct pt_regs *regs)
{
	struct window *window = window_of(regs->rip);

	if (!is_at_home())
		storm.strangers++;
	if (user_mode(regs)) {
		storm.in_ring3++;
	} else if (window) {
		window->hit[regs->rip - (u64)window->begin] = true;
		storm.in_windows++;
		storm.on_user_stack += regs->rsp < USER_END;
	}
	__atomic_add_fetch(&storm.nmis, 1, __ATOMIC_SEQ_CST);
}

static u32 missing(bool print)
{
	u32 n = 0;

	for (u32 i = 0; i < ARRAY_SIZE(windows); i++) {
		for (u32 at = 0; at < WINDOW_MAX; at++) {
			if (!windows[i].instruction[at] || windows[i].hit[at])
				continue;
			n++;
			if (print)
				ktest_fail(__FILE__, __LINE__, "no NMI at %p (%s+%x)",
					   (const void *)(windows[i].begin + at), windows[i].name,
					   at);
		}
	}
	return n;
}

/* One NMI after some pauses; waits until it has been taken, so that none is merged with another. */
static bool send_one(struct random *random)
{
	u64 before = __atomic_load_n(&storm.nmis, __ATOMIC_SEQ_CST);

	for (u64 pauses = random_below(random, 300); pauses; pauses--)
		cpu_relax();
	apic_send_nmi(percpu(target())->apic_id);
	return wait_until(SOON_MS, __atomic_load_n(&storm.nmis, __ATOMIC_SEQ_CST) == before + 1);
}

static void report(u64 sent)
{
	pr_info("    # %lu NMIs: %lu in ring 3, %lu in the windows, %lu of these on the user's "
		"stack",
		sent, storm.in_ring3, storm.in_windows, storm.on_user_stack);
	for (u32 i = 0; i < ARRAY_SIZE(windows); i++)
		pr_info("    # %s: %u of %u instructions hit", windows[i].name,
			count_set(windows[i].hit), count_set(windows[i].instruction));
}

static void storm_under(const struct flush_policy *policy)
{
	u64 most = ktest_nmi_all ? NMIS_ALL : NMIS_SOME;
	u64 limit = tsc_deadline(ktest_nmi_all ? STORM_ALL_MS : STORM_SOME_MS);
	u64 entries, nmis, sent = 0;
	struct random random;
	struct ring3 r;

	if (!select_policy_here(policy))
		return;
	if (!ring3_create(&r, target(), "test_loop", 0))
		return;
	random_init(&random, ktest_setup->options->seed, 7);
	ring3_start(&r);
	EXPECT_SOON(r.page->loops > 10);
	entries = user_page(target())->entries;
	nmis = percpu(target())->irqs.nmi;
	nmi_hook = note_nmi;
	r.page->order = LOOP_UNTIL_GO;
	r.page->order_number++;
	while (sent < most && !tsc_passed(limit) && (!ktest_nmi_all || missing(false))) {
		sent++;
		if (!send_one(&random)) {
			ktest_fail(__FILE__, __LINE__, "NMI %lu was not taken", sent);
			break;
		}
	}
	r.page->go = 1;
	EXPECT_SOON(r.page->done_number == r.page->order_number);
	EXPECT_SOON(user_page(target())->exits == user_page(target())->entries);
	nmi_hook = NULL;
	EXPECT_EQ(percpu(target())->irqs.nmi - nmis, sent);
	EXPECT_EQ(user_page(target())->entries - entries, r.page->trips + sent);
	EXPECT_EQ(r.page->result, 0);
	EXPECT(r.page->trips > 0);
	ring3_finish(&r);
}

KTEST(nmi, storm_on_system_calls)
{
	const struct flush_policy *policy;
	u32 place = 0;
	u64 sent = 0;

	if (target() == 0) {
		ktest_skip("needs 2 CPUs");
		return;
	}
	know_instructions();
	while ((policy = next_sample_policy(&place))) {
		storm = (typeof(storm)){0};
		for (u32 i = 0; i < ARRAY_SIZE(windows); i++)
			for (u32 at = 0; at < WINDOW_MAX; at++)
				windows[i].hit[at] = false;
		storm_under(policy);
		sent += storm.nmis;
		report(storm.nmis);
		EXPECT_EQ(storm.strangers, 0);
		if (ktest_nmi_all) {
			EXPECT(count_set(windows[0].instruction) > 0);
			EXPECT(storm.on_user_stack > 0);
			EXPECT_EQ(missing(true), 0);
		}
	}
	EXPECT(sent >= 20);
	select_default_policy();
}
