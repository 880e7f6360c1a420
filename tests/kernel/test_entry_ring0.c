/* SPDX-License-Identifier: MIT */
/*
 * Every door from ring 0: what interrupts the kernel must give it back as it was, all fifteen
 * registers, the flags (DF and AC among them) and the stack pointer. Exceptions return by POPF and
 * RET and interrupts by IRET, so both ways are tried; the ways out of the SYSCALL windows are the
 * nmi suite's.
 */
#include "arch/x86_64/apic.h"
#include "arch/x86_64/extable.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/traps.h"
#include "tests/kernel/breakpoint.h"
#include "tests/kernel/probe.h"
#include "user/test.h"

/* What a run found; one CPU at a time. Assembly names them. */
u64 ring0_dump[DUMP_WORDS];
u64 ring0_saved, ring0_skew, ring0_rsp, ring0_flags, ring0_hits;

extern const char ring0_db_site[], ring0_bp_site[];

/*
 * A function that loads the patterns and ring0_flags, executes BODY, and stores all registers. RCX
 * belongs to the body: JRCXZ waits without changing a flag.
 */
#define RING0_DOOR(name, body)                                                                     \
	void name(void);                                                                           \
	__asm__(".globl " #name "\n" #name ":\n\t"                                                 \
		"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n\t"             \
		"mov %rsp, ring0_saved(%rip); sub ring0_skew(%rip), %rsp\n\t"                      \
		"mov %rsp, ring0_rsp(%rip)\n\t"                                                    \
		"push ring0_flags(%rip)\n\t"                                                       \
		"movabs $0x0101010101010101, %rax; movabs $0x0202020202020202, %rbx\n\t"           \
		"movabs $0x0303030303030303, %rcx; movabs $0x0404040404040404, %rdx\n\t"           \
		"movabs $0x0505050505050505, %rsi; movabs $0x0606060606060606, %rdi\n\t"           \
		"movabs $0x0707070707070707, %rbp; movabs $0x0808080808080808, %r8\n\t"            \
		"movabs $0x0909090909090909, %r9;  movabs $0x0a0a0a0a0a0a0a0a, %r10\n\t"           \
		"movabs $0x0b0b0b0b0b0b0b0b, %r11; movabs $0x0c0c0c0c0c0c0c0c, %r12\n\t"           \
		"movabs $0x0d0d0d0d0d0d0d0d, %r13; movabs $0x0e0e0e0e0e0e0e0e, %r14\n\t"           \
		"movabs $0x0f0f0f0f0f0f0f0f, %r15\n\t"                                             \
		"popfq\n\t" body "\n\t"                                                            \
		"mov %rax, ring0_dump(%rip); mov %rbx, ring0_dump+8(%rip)\n\t"                     \
		"mov %rcx, ring0_dump+16(%rip); mov %rdx, ring0_dump+24(%rip)\n\t"                 \
		"mov %rsi, ring0_dump+32(%rip); mov %rdi, ring0_dump+40(%rip)\n\t"                 \
		"mov %rbp, ring0_dump+48(%rip); mov %r8, ring0_dump+56(%rip)\n\t"                  \
		"mov %r9, ring0_dump+64(%rip); mov %r10, ring0_dump+72(%rip)\n\t"                  \
		"mov %r11, ring0_dump+80(%rip); mov %r12, ring0_dump+88(%rip)\n\t"                 \
		"mov %r13, ring0_dump+96(%rip); mov %r14, ring0_dump+104(%rip)\n\t"                \
		"mov %r15, ring0_dump+112(%rip); mov %rsp, ring0_dump+128(%rip)\n\t"               \
		"pushfq; pop ring0_dump+120(%rip)\n\t"                                             \
		"push $2; popfq; mov ring0_saved(%rip), %rsp\n\t"                                  \
		"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n\t"                   \
		"ret\n")

RING0_DOOR(ring0_nothing, "nop");
RING0_DOOR(ring0_bp, ".globl ring0_bp_site\nring0_bp_site: int3");
RING0_DOOR(ring0_ud, "9: ud2\n8:\n\t" EXTABLE("9b", "8b"));
RING0_DOOR(ring0_gp, "9: mov (%r8), %r9\n8:\n\t" EXTABLE("9b", "8b"));
RING0_DOOR(ring0_pf, "9: mov 0, %r9\n8:\n\t" EXTABLE("9b", "8b"));
RING0_DOOR(ring0_de, "9: div %rbx\n8:\n\t" EXTABLE("9b", "8b"));
RING0_DOOR(ring0_db, ".globl ring0_db_site\nring0_db_site: nop");
RING0_DOOR(ring0_irq, "sti; nop; 7: mov ring0_hits(%rip), %rcx; jrcxz 7b; cli");
RING0_DOOR(ring0_nmi, "7: mov ring0_hits(%rip), %rcx; jrcxz 7b");

static void on_hit(struct pt_regs *regs)
{
	if (user_mode(regs))
		ktest_fail(__FILE__, __LINE__, "ring 3 was hit at %lx", regs->rip);
	ring0_hits++;
}

static void on_breakpoint(struct pt_regs *regs)
{
	breakpoints_clear();
	EXPECT_EQ(regs->rip, ring0_db_site);
	ring0_hits++;
}

static void on_int3(struct pt_regs *regs)
{
	EXPECT_EQ(regs->rip, ring0_bp_site + 1);
	ring0_hits++;
}

static void send_interrupt(void)
{
	apic_send_ipi(this_cpu()->apic_id, VECTOR_TEST);
}

static void arm_breakpoint(void)
{
	breakpoint_set((u64)ring0_db_site);
}

#define ANY	(~0UL)
#define PATTERN 0

struct door {
	const char *name;
	void (*run)(void);
	void (*arm)(void);
	u64 rax, rcx; /* expected, or PATTERN */
	u64 hits;
};

static const struct door doors_of_ring0[] = {
	{"nothing", ring0_nothing, NULL, PATTERN, PATTERN, 0},
	{"INT3", ring0_bp, NULL, PATTERN, PATTERN, 1},
	{"#UD", ring0_ud, NULL, 6, PATTERN, 0},
	{"#GP", ring0_gp, NULL, VECTOR_GP, PATTERN, 0},
	{"#PF", ring0_pf, NULL, VECTOR_PF, PATTERN, 0},
	{"#DB", ring0_db, arm_breakpoint, PATTERN, PATTERN, 1},
	{"interrupt", ring0_irq, send_interrupt, PATTERN, 1, 1},
};

static void expect_registers(const struct door *door)
{
	for (u32 i = 0; i <= DUMP_R15; i++) {
		u64 want = DUMP_PATTERN(i);

		if (i == DUMP_RAX && door->rax != PATTERN)
			want = door->rax;
		if (i == DUMP_RCX && door->rcx != PATTERN)
			want = door->rcx;
		if (ring0_dump[i] != want && want != ANY)
			ktest_fail(__FILE__, __LINE__, "%s: register %u is %lx, not %lx",
				   door->name, i, ring0_dump[i], want);
	}
	if (ring0_dump[DUMP_RSP] != ring0_rsp || ring0_dump[DUMP_FLAGS] != ring0_flags)
		ktest_fail(__FILE__, __LINE__, "%s: rsp %lx, not %lx; flags %lx, not %lx",
			   door->name, ring0_dump[DUMP_RSP], ring0_rsp, ring0_dump[DUMP_FLAGS],
			   ring0_flags);
}

static void go_through(const struct door *door, u64 flags)
{
	u64 kept;

	/* The control of the dump itself is the first row. */
	for (u32 i = 0; i < DUMP_WORDS; i++)
		ring0_dump[i] = 0;
	ring0_flags = flags;
	ring0_hits = 0;
	kept = local_irq_save();
	if (door->arm)
		door->arm();
	door->run();
	local_irq_restore(kept);
	expect_registers(door);
	if (ring0_hits != door->hits && door->hits != ANY)
		ktest_fail(__FILE__, __LINE__, "%s: %lu hits, not %lu", door->name, ring0_hits,
			   door->hits);
}

/* Interrupts off; CF PF AF ZF SF OF, then DF, then AC with SMAP only: it is reserved to that. */
static u64 flag_word(u32 i)
{
	static const u64 words[] = {2, 0x8d7, 0x8d7 | RFLAGS_DF, 0x8d7 | RFLAGS_DF | RFLAGS_AC};

	return words[i];
}

/*
 * On both halves of a 16-byte slot: the CPU aligns the stack before it pushes the frame, so what
 * lies between the frame and the interrupted stack pointer differs.
 */
static void all_doors(void *unused)
{
	(void)unused;
	for (ring0_skew = 0; ring0_skew <= 8; ring0_skew += 8)
		for (u32 i = 0; i < ARRAY_SIZE(doors_of_ring0); i++)
			for (u32 word = 0; word < 4; word++)
				go_through(&doors_of_ring0[i], flag_word(word));
	ring0_skew = 0;
}

KTEST(entry_ring0, doors_give_registers_back)
{
	bp_hook = on_int3;
	db_hook = on_breakpoint;
	test_irq_hook = on_hit;
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		on_cpu(cpu, all_doors, NULL, "doors of ring 0");
	bp_hook = db_hook = NULL;
	test_irq_hook = NULL;
}

/* The quotient does not fit: #DE, whose vector 0 is also a value that must arrive in RAX. */
static void divide(void *unused)
{
	static const struct door door = {"#DE", ring0_de, NULL, ANY, PATTERN, 0};

	(void)unused;
	go_through(&door, 2);
	EXPECT_EQ(ring0_dump[DUMP_RAX], 0);
}

KTEST(entry_ring0, divide_error_gives_registers_back)
{
	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		on_cpu(cpu, divide, NULL, "#DE in ring 0");
}

/* NMIs by another CPU, at whatever instruction of the loop. */
static bool ready;

static void wait_for_nmi(void *unused)
{
	static const struct door door = {"NMI", ring0_nmi, NULL, PATTERN, ANY, ANY};

	(void)unused;
	__atomic_store_n(&ready, true, __ATOMIC_RELEASE);
	go_through(&door, 0x8d7 | RFLAGS_DF);
}

KTEST(entry_ring0, nmi_gives_registers_back)
{
	if (nr_online_cpus() < 2) {
		ktest_skip("needs 2 CPUs");
		return;
	}
	nmi_hook = on_hit;
	for (unsigned int cpu = 1; cpu < nr_online_cpus(); cpu++) {
		for (u32 round = 0; round < 8; round++) {
			ready = false;
			cpu_work_start(cpu, wait_for_nmi, NULL);
			EXPECT_SOON(__atomic_load_n(&ready, __ATOMIC_ACQUIRE));
			udelay(20);
			/* One before the loop does not end it: ring0_hits is cleared there. */
			while (!cpu_work_done(cpu)) {
				apic_send_nmi(percpu(cpu)->apic_id);
				udelay(200);
			}
		}
	}
	nmi_hook = NULL;
}
