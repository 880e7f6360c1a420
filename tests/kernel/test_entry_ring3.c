/* SPDX-License-Identifier: MIT */
/*
 * Every door from ring 3. Two kinds of test: the doors that lead back (SYSCALL, interrupt, NMI)
 * must give every register back as it was, and the ones that do not (exceptions) must end the task
 * with the right reason and leave the kernel as it was.
 *
 * The registers: user/test_doors.c gives each a pattern of its own, uses the door, and stores them
 * all. Compared is with the patterns, so a register of the kernel that leaks into ring 3 is seen
 * like one that is lost; RCX and R11 after SYSCALL are ring 3's own RIP and RFLAGS. Stack pointers
 * that nobody could use, flags that would change the kernel's own behaviour (DF, AC, TF) and GS
 * bases that look like the kernel's are carried through the doors as well.
 */
#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/smp_call.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/traps.h"
#include "tests/kernel/probe.h"
#include "tests/kernel/ring3.h"

#define FLAGS_PLAIN 0x202UL
#define FLAGS_ALL   (FLAGS_PLAIN | 0x8d5 | RFLAGS_DF) /* CF PF AF ZF SF OF, and DF */

/* Ring 3 runs on the last CPU: an isolated one if there is any. */
static unsigned int target(void)
{
	return nr_online_cpus() - 1;
}

static void check_own_gs(void *unused)
{
	const struct user_page *page = user_page(this_cpu_number());

	(void)unused;
	EXPECT_EQ(rdmsr(MSR_GS_BASE), cpu_area(this_cpu()->cpu));
	EXPECT_EQ(this_cpu()->apic_id, apic_id_local());
	EXPECT_EQ(page->entries, page->exits + 1); /* in the kernel */
	EXPECT(!irqs_disabled());
	EXPECT_EQ(read_rflags() & (RFLAGS_DF | RFLAGS_AC | RFLAGS_TF), 0);
}

static void expect_sane(void)
{
	on_cpu(target(), check_own_gs, NULL, "its GS base");
}

/* --- Doors that lead back ----------------------------------------------------------------------
 */

static const u64 stack_pointers[] = {
	0x7fdffffff000,
	0,
	1,
	0x7fffffffffff,
	0x8000000000000000,
	0xffff7fffffffffff,
	0xffff888000200000,
	CPU_AREA_BASE + CPU_AREA_ENTRY_STACK + CPU_AREA_STACK_SIZE,
	0xfffffffffffffff8,
};
static const u64 flag_words[] = {FLAGS_PLAIN, FLAGS_ALL, FLAGS_PLAIN | RFLAGS_AC,
				 FLAGS_ALL | RFLAGS_AC};

/* What is in `special` is not a pattern; the rest must be. */
static void expect_dump(const struct ring3 *r, u64 special)
{
	for (u32 i = 0; i <= DUMP_R15; i++)
		if (!(special & BIT(i)) && r->page->dump[i] != DUMP_PATTERN(i))
			ktest_fail(__FILE__, __LINE__, "register %u is %lx (rsp %lx, flags %lx)", i,
				   r->page->dump[i], r->page->rsp, r->page->flags);
	EXPECT_EQ(r->page->dump[DUMP_RSP], r->page->rsp);
	EXPECT_EQ(r->page->dump[DUMP_FLAGS], r->page->flags);
	EXPECT_EQ(r->task->exit_code, 0);
	EXPECT_EQ(r->task->fault[0], 0);
}

static void syscall_once(u64 rsp, u64 flags)
{
	struct ring3 r;

	if (!ring3_create(&r, target(), "test_doors", DOOR_SYSCALL))
		return;
	r.page->rsp = rsp;
	r.page->flags = flags;
	ring3_start(&r);
	ring3_join(&r);
	expect_dump(&r, BIT(DUMP_RAX) | BIT(DUMP_RCX) | BIT(DUMP_R11));
	EXPECT_EQ(r.page->dump[DUMP_RAX], 0);
	EXPECT_EQ(r.page->dump[DUMP_RCX], r.page->after);
	EXPECT_EQ(r.page->dump[DUMP_R11], flags);
	ring3_destroy(&r);
}

KTEST(entry_ring3, syscall_gives_registers_back)
{
	for (u32 i = 0; i < ARRAY_SIZE(stack_pointers); i++)
		syscall_once(stack_pointers[i], FLAGS_PLAIN);
	for (u32 i = 0; i < ARRAY_SIZE(flag_words); i++)
		syscall_once(stack_pointers[i], flag_words[i]);
	expect_sane();
}

/* Interrupts that the waiting program is hit by before it may go on. */
#define HITS	    20
#define TIMER_COUNT 20000

static volatile struct test_page *waiting_page;
static u64 interrupts, nmis, wrong, from_ring3; /* wrong: CPU, GS or flags in the handler */

static void note(const struct pt_regs *regs, u64 *counter)
{
	/* Without SMAP there is no CLAC, and AC means nothing in the kernel. */
	u64 forbidden = RFLAGS_DF | RFLAGS_TF | RFLAGS_IF | (cpu_features.smap ? RFLAGS_AC : 0);

	if (this_cpu()->cpu != target() || apic_id_local() != this_cpu()->apic_id ||
	    (read_rflags() & forbidden))
		wrong++;
	if (user_mode(regs))
		from_ring3++;
	__atomic_add_fetch(counter, 1, __ATOMIC_RELEASE);
}

static void on_interrupt(struct pt_regs *regs)
{
	note(regs, &interrupts);
	if (target() == 0 && user_mode(regs) && interrupts >= HITS)
		waiting_page->go = 1;
}

static void on_nmi(struct pt_regs *regs)
{
	note(regs, &nmis);
}

static void nothing(void *unused)
{
	(void)unused;
}

static bool one_more(u64 *counter, void (*send)(void))
{
	u64 before = __atomic_load_n(counter, __ATOMIC_ACQUIRE);

	send();
	return wait_until(SOON_MS, __atomic_load_n(counter, __ATOMIC_ACQUIRE) == before + 1);
}

static void send_interrupt(void)
{
	apic_send_ipi(percpu(target())->apic_id, VECTOR_TEST);
}

static void send_nmi(void)
{
	apic_send_nmi(percpu(target())->apic_id);
}

/*
 * Runs a program that waits in ring 3, lets interrupts, cross-calls and NMIs hit it, and ends the
 * waiting. A single CPU hits itself by its timer.
 */
static void hit_while_waiting(struct ring3 *r)
{
	waiting_page = r->page;
	interrupts = nmis = wrong = from_ring3 = 0;
	test_irq_hook = on_interrupt;
	nmi_hook = on_nmi;
	if (target() == 0) {
		apic_timer_local(TIMER_COUNT, VECTOR_TIMER);
		ring3_start(r);
		apic_timer_local(0, VECTOR_TIMER);
	} else {
		u64 entries = user_page(target())->entries;

		ring3_start(r);
		EXPECT_SOON(READ_ONCE(user_page(target())->exits) > entries ||
			    READ_ONCE(user_page(target())->exits) ==
				    READ_ONCE(user_page(target())->entries));
		for (u32 i = 0; i < HITS; i++) {
			EXPECT(one_more(&interrupts, send_interrupt));
			EXPECT(one_more(&nmis, send_nmi));
			smp_call_function_single(target(), CALL_OTHER, nothing, NULL);
		}
		r->page->go = 1;
		ring3_join(r);
		EXPECT_EQ(nmis, HITS);
	}
	test_irq_hook = NULL;
	nmi_hook = NULL;
	EXPECT(interrupts >= HITS);
	EXPECT(from_ring3 > 0);
	EXPECT_EQ(wrong, 0);
}

KTEST(entry_ring3, interrupts_and_nmis_give_registers_back)
{
	for (u32 i = 0; i < ARRAY_SIZE(flag_words); i++) {
		struct ring3 r;

		ASSERT(ring3_create(&r, target(), "test_doors", DOOR_WAIT));
		r.page->rsp = stack_pointers[i * 2];
		r.page->flags = flag_words[i];
		hit_while_waiting(&r);
		expect_dump(&r, BIT(DUMP_RCX));
		EXPECT_EQ(r.page->dump[DUMP_RCX], 1);
		ring3_destroy(&r);
	}
	expect_sane();
}

/* A door that decided by the sign of the GS base would take these for its own. */
KTEST(entry_ring3, any_gs_base_survives)
{
	const u64 bases[] = {0, 0x1234, cpu_area(0), cpu_area(target()), 0xffffffff80000000, ~0UL};

	if (!cpu_features.fsgsbase) {
		ktest_skip("this CPU has no WRGSBASE");
		return;
	}
	for (u32 i = 0; i < ARRAY_SIZE(bases); i++) {
		struct ring3 r;

		ASSERT(ring3_create(&r, target(), "test_doors", DOOR_GS));
		r.page->gs = bases[i];
		hit_while_waiting(&r);
		EXPECT_EQ(r.page->gs, bases[i]);
		EXPECT_EQ(r.task->exit_code, 0);
		ring3_destroy(&r);
	}
	expect_sane();
}

/* --- Doors that do not -------------------------------------------------------------------------
 */

/*
 * Where QEMU's interpreter does otherwise: it takes INT1 for an invalid opcode, gives #GP for #SS
 * on a non-canonical stack, and multiplies the vector in the error code of a forbidden gate by 16.
 */
static const struct {
	u64 door;
	const char *fault, *error; /* how the reason begins and ends */
	const char *tcg_fault, *tcg_error;
} exceptions[] = {
	{DOOR_DE, "#DE", "error 0", NULL, NULL},
	{DOOR_INT1, "#DB", "error 0", "#UD", NULL},
	{DOOR_TF, "#DB", "error 0", NULL, NULL},
	{DOOR_BP, "#BP", "error 0", NULL, NULL},
	{DOOR_INTO, "#GP", "error 22", NULL, "error 42"},
	{DOOR_UD, "#UD", "error 0", NULL, NULL},
	{DOOR_SSE, "#UD", "error 0", NULL, NULL},
	{DOOR_HLT, "#GP", "error 0", NULL, NULL},
	{DOOR_CLI, "#GP", "error 0", NULL, NULL},
	{DOOR_INT80, "#GP", "error 402", NULL, "error 802"},
	{DOOR_SS, "#SS", "error 0", "#GP", NULL},
	{DOOR_GP_READ, "#GP", "error 0", NULL, NULL},
	{DOOR_PF_NULL, "#PF", "address 0, error 4", NULL, NULL},
	{DOOR_PF_KERNEL, "#PF", "", NULL, NULL},
	{DOOR_PF_TEXT, "#PF", "error 7", NULL, NULL},
	{DOOR_PF_DATA, "#PF", "error 15", NULL, NULL},
	{DOOR_PF_END, "#PF", "", NULL, NULL},
};

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, const char *with)
{
	size_t length = strlen(text), tail = strlen(with);

	return length >= tail && strcmp(text + length - tail, with) == 0;
}

KTEST(entry_ring3, exceptions_end_the_task)
{
	for (u32 i = 0; i < ARRAY_SIZE(exceptions); i++) {
		u64 before = percpu(target())->irqs.exceptions;
		const char *fault = exceptions[i].fault;
		const char *error = exceptions[i].error;
		struct ring3 r;

		if (is_tcg() && exceptions[i].tcg_fault)
			fault = exceptions[i].tcg_fault;
		if (is_tcg() && exceptions[i].tcg_error)
			error = exceptions[i].tcg_error;
		if (exceptions[i].door == DOOR_PF_DATA && !cpu_features.nx)
			continue;
		ASSERT(ring3_run(&r, target(), "test_doors", exceptions[i].door));
		if (!begins(r.task->fault, fault) || !ends(r.task->fault, error))
			ktest_fail(__FILE__, __LINE__, "door %lu: \"%s\", not %s ... %s",
				   exceptions[i].door, r.task->fault, fault, error);
		EXPECT_EQ(r.task->exit_code, -1);
		EXPECT_EQ(percpu(target())->irqs.exceptions - before, 1);
		ring3_destroy(&r);
		expect_sane();
	}
}

/* CR0.AM is off: AC in ring 3 means nothing, in the kernel it would lift SMAP. */
KTEST(entry_ring3, unaligned_access_is_allowed)
{
	struct ring3 r;

	ASSERT(ring3_run(&r, target(), "test_doors", DOOR_UNALIGNED));
	EXPECT_EQ(r.task->exit_code, 0);
	EXPECT_EQ(r.task->fault[0], 0);
	ring3_destroy(&r);
	expect_sane();
}
