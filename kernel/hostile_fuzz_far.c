/* SPDX-License-Identifier: MIT */
/*
 * Operations by seed that load selectors, transfer control to them, and load flags.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/descriptors.h"
#include "kernel/hostile_fuzz.h"

#define SNIPPETS(X)                                                                                \
	X(load_ds)                                                                                 \
	X(load_es)                                                                                 \
	X(load_fs)                                                                                 \
	X(load_gs)                                                                                 \
	X(load_ss)                                                                                 \
	X(far_jump)                                                                                \
	X(far_call)                                                                                \
	X(far_return)                                                                              \
	X(iret)                                                                                    \
	X(popf)
SNIPPETS(DECLARE_SNIPPET)

/* Selectors of the GDT most of the time. */
static u16 any_selector(struct maker *m)
{
	return (u16)(fuzz_below(m, 4) ? fuzz_below(m, 0x50) : random_next(&m->random));
}

void fuzz_selector(struct maker *m)
{
	struct hostile_op *op = m->op;
	u16 selector = any_selector(m);
	u64 where = fuzz_below(m, 5);
	u32 error;

	switch (where) {
	case 0:
		CODE(op, load_ds);
		break;
	case 1:
		CODE(op, load_es);
		break;
	case 2:
		CODE(op, load_fs);
		break;
	case 3:
		CODE(op, load_gs);
		break;
	default:
		CODE(op, load_ss);
	}
	op->regs[REG_RAX] = selector;
	hostile_name(op, "mov %cs, %x", "defgs"[where], selector);
	if (hostile_selector(where == 4 ? USE_SS : USE_DATA, selector, &error))
		expect_done(op);
	else
		expect_fault(op, VECTOR_GP, error, 0);
}

void fuzz_far(struct maker *m)
{
	struct hostile_op *op = m->op;
	bool call = fuzz_below(m, 2);
	u16 selector = any_selector(m);
	u32 error;

	if (call)
		CODE(op, far_call);
	else
		CODE(op, far_jump);
	op->regs[REG_RDI] = HOSTILE_SCRATCH_VA;
	op->scratch[0] = (HOSTILE_CODE_VA + op->length) | (u64)selector << 32;
	hostile_name(op, "far %s %x", call ? "call" : "jmp", selector);
	if (hostile_selector(USE_FAR_JUMP, selector, &error))
		expect_done(op);
	else
		expect_fault(op, VECTOR_GP, error, 0);
}

void fuzz_return(struct maker *m)
{
	struct hostile_op *op = m->op;
	u16 selector = any_selector(m);
	u32 error;

	CODE(op, far_return);
	op->regs[REG_RAX] = selector;
	op->regs[REG_RSI] = HOSTILE_CODE_VA + op->length;
	hostile_name(op, "retf to %x", selector);
	if (hostile_selector(USE_FAR_RETURN, selector, &error))
		expect_done(op);
	else
		expect_fault(op, VECTOR_GP, error, AT(far_return));
}

/* One thing is wrong with the frame, or none. */
void fuzz_iret(struct maker *m)
{
	struct hostile_op *op = m->op;
	u64 flags = random_next(&m->random) & ~(RFLAGS_TF | RFLAGS_NT);
	u64 *regs = op->regs;
	u64 wrong = fuzz_below(m, 4);
	u32 error = 0;
	bool allowed = true;

	CODE(op, iret);
	regs[REG_RSI] = HOSTILE_CODE_VA + op->length;
	regs[REG_RAX] = USER_CS;
	regs[REG_RDX] = flags;
	regs[REG_RBX] = fuzz_area(m).address;
	regs[REG_RCX] = USER_DS;
	if (wrong == 0) {
		regs[REG_RAX] = any_selector(m);
		allowed = hostile_selector(USE_FAR_RETURN, (u16)regs[REG_RAX], &error);
	} else if (wrong == 1) {
		regs[REG_RCX] = any_selector(m);
		allowed = hostile_selector(USE_SS, (u16)regs[REG_RCX], &error);
	} else if (wrong == 2) {
		regs[REG_RSI] = 0x800000000000 + (random_next(&m->random) >> 18);
		allowed = false;
	}
	hostile_name(op, "iret to %lx:%lx, ss %lx", regs[REG_RAX], regs[REG_RSI], regs[REG_RCX]);
	if (!allowed) {
		expect_fault(op, VECTOR_GP, error, AT(iret));
		return;
	}
	expect_done(op);
	op->expect.judged = JUDGE_FLAGS;
	op->expect.flags = hostile_popf(flags);
}

void fuzz_popf(struct maker *m)
{
	struct hostile_op *op = m->op;
	u64 flags = random_next(&m->random) & ~RFLAGS_TF;

	CODE(op, popf);
	op->regs[REG_RAX] = flags;
	hostile_name(op, "popf %lx", flags);
	expect_done(op);
	op->expect.judged = JUDGE_FLAGS | JUDGE_REGS;
	op->expect.flags = hostile_popf(flags);
}
