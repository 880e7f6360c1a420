/* SPDX-License-Identifier: MIT */
/*
 * Where emulators are known to differ from the SDM: QEMU 7.2's TCG and Bochs 2.7. Each line was
 * seen. What the SDM says is still right there, so that a version which is corrected does not fail;
 * hardware gets none of this.
 */
#include "arch/x86_64/features.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/string.h"
#include "kernel/hostile.h"

#define VECTOR_SS 12

#define CODES(X)                                                                                   \
	X(clflush)                                                                                 \
	X(xsetbv)                                                                                  \
	X(lock_mov)                                                                                \
	X(wrgsbase)                                                                                \
	X(wrfsbase)                                                                                \
	X(far_return)                                                                              \
	X(iret)                                                                                    \
	X(far_call)
#define DECLARE(id) extern const u8 op_##id[], op_##id##_end[], op_##id##_at[];
CODES(DECLARE)

static bool is_code(const struct hostile_op *op, const u8 *code, const u8 *end)
{
	return op->length == (size_t)(end - code) && memcmp(op->code, code, op->length) == 0;
}
#define IS(op, id) is_code(op, op_##id, op_##id##_end)
#define AT(id)	   ((u64)(op_##id##_at - op_##id))

static void fault_instead(struct hostile_op *op, u32 vector, u32 error, u64 at)
{
	struct expectation sdm = op->expect;

	expect_fault(op, vector, error, at);
	op->deviation = op->expect;
	op->deviates = true;
	op->expect = sdm;
}

static void done_instead(struct hostile_op *op)
{
	op->deviation = (struct expectation){.outcome = OUTCOME_DONE};
	op->deviates = true;
}

/* Far returns and calls use the stack as ring 0 would, which SMAP forbids. */
static void stack_instead(struct hostile_op *op, u32 error, u64 at, u64 address)
{
	if (!cpu_features.smap)
		return;
	fault_instead(op, VECTOR_PF, error, at);
	op->deviation.address = address;
	op->deviation.judged |= JUDGE_ADDRESS;
}

static void tcg(struct hostile_op *op)
{
	const struct expectation *e = &op->expect;
	bool fault = e->outcome == OUTCOME_FAULT;

	/* The vector in the error code of a forbidden gate is multiplied by 16. */
	if (op->code[0] == 0xcd && fault && e->vector == VECTOR_GP)
		fault_instead(op, VECTOR_GP, (e->error & ~7U) << 1 | 2, 0);
	/* INT1 is an invalid opcode. */
	if (op->code[0] == 0xf1)
		fault_instead(op, VECTOR_UD, 0, 0);
	/* What is not canonical is #GP through the stack, too. */
	if (fault && e->vector == VECTOR_SS)
		fault_instead(op, VECTOR_GP, 0, e->rip - hostile_entry(op));
	/* CLFLUSH looks at nothing, LOCK not at MOV. */
	if (fault && (IS(op, clflush) || IS(op, lock_mov)))
		done_instead(op);
	/* XSETBV is there without CR4.OSXSAVE, and privileged. */
	if (IS(op, xsetbv))
		fault_instead(op, VECTOR_GP, 0, 0);
	/* Bases need not be canonical. */
	if (fault && e->vector == VECTOR_GP && (IS(op, wrgsbase) || IS(op, wrfsbase)))
		done_instead(op);
	/* MOV SS holds no #DB back. */
	if (op->breakpoint)
		fault_instead(op, VECTOR_DB, 0, 2);
	if (IS(op, far_return))
		stack_instead(op, PF_PRESENT, AT(far_return), op->rsp - 16);
	/* Without SMAP IRET to what is not canonical faults there. */
	if (IS(op, iret) && !hostile_canonical(op->regs[REG_RSI]))
		fault_instead(op, VECTOR_GP, 0, op->regs[REG_RSI] - hostile_entry(op));
	if (IS(op, iret))
		stack_instead(op, PF_PRESENT, AT(iret), op->rsp - 40);
	if (IS(op, far_call) && !fault)
		stack_instead(op, PF_PRESENT | PF_WRITE, 0, op->rsp - 4);
}

static void bochs(struct hostile_op *op)
{
	(void)op;
}

void hostile_engine(enum engine engine, struct hostile_op *op)
{
	if (engine == ENGINE_TCG)
		tcg(op);
	else if (engine == ENGINE_BOCHS)
		bochs(op);
}
