/* SPDX-License-Identifier: MIT */
/*
 * Operations made from the seed and their number, each by one of the families below. All but random
 * instructions come with an exact expectation (hostile_rules.c, hostile_access.c).
 */
#include "kernel/hostile_fuzz.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/features.h"
#include "user/syscall.h"

#define VECTOR_SS 12

/* Flags that change nothing in what follows: CF PF AF ZF SF OF AC ID, and DF where no string is. */
#define HARMLESS_FLAGS 0x2408d5UL

#define SNIPPETS(X)                                                                                \
	X(syscall)                                                                                 \
	X(ud2)                                                                                     \
	X(int3)                                                                                    \
	X(in_byte)                                                                                 \
	X(out_long)                                                                                \
	X(wrgsbase)                                                                                \
	X(wrfsbase)                                                                                \
	X(spin)
SNIPPETS(DECLARE_SNIPPET)

u64 fuzz_below(struct maker *m, u64 n)
{
	return random_below(&m->random, n);
}

/* An address of any kind, at a multiple of 16. */
struct hostile_area fuzz_area(struct maker *m)
{
	struct hostile_area area = {"a random address", random_next(&m->random), false};

	switch (fuzz_below(m, 4)) {
	case 0: /* canonical */
		area.address = (u64)((s64)(area.address << 16) >> 16);
		break;
	case 1: /* anything */
		break;
	default:
		return hostile_area(m->world, (u32)fuzz_below(m, HOSTILE_AREAS));
	}
	area.address &= ~15UL;
	area.unsteady = area.address >= VMALLOC_START && area.address < VMALLOC_END;
	return area;
}

static void random_flags(struct maker *m, bool with_df)
{
	u64 mask = HARMLESS_FLAGS | (with_df ? RFLAGS_DF : 0);

	m->op->rflags |= random_next(&m->random) & mask;
}

static void random_bases(struct maker *m)
{
	struct hostile_op *op = m->op;

	if (!cpu_features.fsgsbase || fuzz_below(m, 2))
		return;
	op->gs = fuzz_area(m).address;
	op->fs = fuzz_area(m).address;
	op->set_bases = hostile_canonical(op->gs) && hostile_canonical(op->fs);
}

static void make_directed(struct maker *m)
{
	u64 number = fuzz_below(m, hostile_directed() - (u64)hostile_accesses() * HOSTILE_AREAS);

	hostile_directed_op(m->world, number, m->op);
	random_flags(m, false);
}

static void make_access(struct maker *m)
{
	struct hostile_area area = fuzz_area(m);

	hostile_access_op(m->world, (u32)fuzz_below(m, hostile_accesses()), &area, m->op);
}

/* What a system call must leave as it was: all but RAX, RCX and R11. */
static void expect_return(struct hostile_op *op, u64 result)
{
	expect_done(op);
	op->expect.judged = JUDGE_RAX | JUDGE_FLAGS | JUDGE_REGS;
	op->expect.rax = result;
	op->expect.flags = op->rflags;
	op->expect.changes = BIT(REG_RAX) | BIT(REG_RCX) | BIT(REG_R11);
}

static void make_syscall(struct maker *m)
{
	struct hostile_op *op = m->op;
	u64 number = fuzz_below(m, 8);
	u64 length = fuzz_below(m, 4) ? fuzz_below(m, SYS_WRITE_MAX + 20) : random_next(&m->random);

	if (number == SYS_EXIT || number == 7)
		number = random_next(&m->random) | SYSCALLS;
	op->regs[REG_RAX] = number;
	op->regs[REG_RDI] = fuzz_area(m).address - fuzz_below(m, 16);
	op->regs[REG_RSI] = length;
	op->rsp = fuzz_area(m).address;
	random_flags(m, true);
	op->rflags |= fuzz_below(m, 2) ? RFLAGS_NT : 0;
	random_bases(m);
	CODE(op, syscall);
	hostile_name(op, "syscall %lx(%lx, %lx)", number, op->regs[REG_RDI], length);
	expect_return(op, hostile_syscall(m->world, number, op->regs[REG_RDI], length));
}

static void make_exit(struct maker *m)
{
	struct hostile_op *op = m->op;

	op->regs[REG_RAX] = SYS_EXIT;
	op->regs[REG_RDI] = random_next(&m->random) >> 1;
	op->regs[REG_RSI] = fuzz_area(m).address;
	op->regs[REG_RDX] = fuzz_below(m, 3) ? HOSTILE_REPORT : random_next(&m->random);
	op->rsp = fuzz_area(m).address;
	CODE(op, syscall);
	hostile_name(op, "exit(%lx, %lx, %lx)", op->regs[REG_RDI], op->regs[REG_RSI],
		     op->regs[REG_RDX]);
	op->expect.outcome = OUTCOME_EXIT;
	op->expect.complaint = op->regs[REG_RSI] &&
			       (op->regs[REG_RDX] != HOSTILE_REPORT ||
				!hostile_readable(m->world, op->regs[REG_RSI], HOSTILE_REPORT));
	op->expect.code = op->regs[REG_RDI];
}

static void make_int(struct maker *m)
{
	struct hostile_op *op = m->op;
	u8 vector = (u8)fuzz_below(m, 256);
	u8 code[2] = {0xcd, vector};

	op->rsp = fuzz_area(m).address;
	random_flags(m, true);
	random_bases(m);
	hostile_code(op, code, code + sizeof(code));
	hostile_name(op, "int %u", vector);
	if (vector == VECTOR_BP)
		expect_fault(op, VECTOR_BP, 0, sizeof(code));
	else
		expect_fault(op, VECTOR_GP, vector << 3 | 2U, 0);
}

static void make_port(struct maker *m)
{
	struct hostile_op *op = m->op;
	bool out = fuzz_below(m, 2);

	if (out)
		CODE(op, out_long);
	else
		CODE(op, in_byte);
	op->regs[REG_RDX] = random_next(&m->random) & 0xffff;
	hostile_name(op, "%s port %lx", out ? "out" : "in", op->regs[REG_RDX]);
	expect_fault(op, VECTOR_GP, 0, 0);
}

static void make_base(struct maker *m)
{
	struct hostile_op *op = m->op;
	bool gs = fuzz_below(m, 2);
	u64 base = fuzz_area(m).address;

	if (gs)
		CODE(op, wrgsbase);
	else
		CODE(op, wrfsbase);
	op->regs[REG_RAX] = base;
	hostile_name(op, "wr%csbase %lx", gs ? 'g' : 'f', base);
	if (!cpu_features.fsgsbase)
		expect_fault(op, VECTOR_UD, 0, 0);
	else if (hostile_canonical(base))
		expect_done(op);
	else
		expect_fault(op, VECTOR_GP, 0, 0);
}

/* An entry, or none until the timer's, with whatever in RSP, flags and bases. */
static void make_wild(struct maker *m)
{
	struct hostile_op *op = m->op;

	op->rsp = fuzz_area(m).address;
	random_flags(m, true);
	random_bases(m);
	switch (fuzz_below(m, 8)) {
	case 0:
		CODE(op, spin);
		hostile_name(op, "a loop, rsp %lx, gs %lx", op->rsp, op->gs);
		op->expect.outcome = OUTCOME_TIMER;
		break;
	case 1:
	case 2:
		CODE(op, int3);
		hostile_name(op, "int3, rsp %lx, gs %lx", op->rsp, op->gs);
		expect_fault(op, VECTOR_BP, 0, 1);
		break;
	default:
		CODE(op, ud2);
		hostile_name(op, "ud2, rsp %lx, gs %lx", op->rsp, op->gs);
		expect_fault(op, VECTOR_UD, 0, 0);
	}
}

static void make_random(struct maker *m)
{
	struct hostile_op *op = m->op;
	u8 code[HOSTILE_CODE_MAX / 2];

	for (u32 i = 0; i < sizeof(code); i++)
		code[i] = (u8)(random_next(&m->random) >> 32);
	hostile_code(op, code, code + sizeof(code));
	for (u32 i = 0; i < HOSTILE_REGS; i++)
		op->regs[i] = fuzz_below(m, 2) ? fuzz_area(m).address : random_next(&m->random);
	random_bases(m);
	hostile_name(op, "random instructions");
	op->expect.outcome = OUTCOME_ANY;
}

static void (*const families[])(struct maker *) = {
	make_directed, make_access, make_access,   make_access, make_syscall, make_syscall,
	make_exit,     make_int,    fuzz_selector, fuzz_far,	fuzz_return,  fuzz_iret,
	fuzz_popf,     make_port,   make_base,	   make_wild,	make_random,  make_random,
};

void hostile_fuzz_op(const struct hostile_world *world, u64 index, struct hostile_op *op)
{
	struct maker m = {.world = world, .op = op};

	random_init(&m.random, world->seed, index);
	random_next(&m.random); /* neighbours differ in few bits so far */
	hostile_op_init(op, index);
	families[fuzz_below(&m, ARRAY_SIZE(families))](&m);
	op->index = index;
}
