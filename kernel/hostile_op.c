/* SPDX-License-Identifier: MIT */
/*
 * What every maker of hostile operations uses, see hostile.h.
 */
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/features.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/string.h"
#include "kernel/format.h"
#include "kernel/hostile.h"

/* Registers without a meaning hold a number of their own, so that a lost one shows. */
#define PATTERN(i) (0x1001001001001UL * ((i) + 1))

void hostile_op_init(struct hostile_op *op, u64 index)
{
	memset(op, 0, sizeof(*op));
	op->index = index;
	for (u32 i = 0; i < HOSTILE_REGS; i++)
		op->regs[i] = PATTERN(i);
	op->rsp = HOSTILE_STACK_TOP;
	op->rflags = RFLAGS_FIXED | RFLAGS_IF;
	op->expect.error_mask = ~0U;
}

void hostile_code(struct hostile_op *op, const u8 *from, const u8 *end)
{
	size_t length = (size_t)(end - from);

	BUG_ON(op->length + length > HOSTILE_CODE_MAX);
	memcpy(op->code + op->length, from, length);
	op->length += (u32)length;
}

u64 hostile_entry(const struct hostile_op *op)
{
	return op->at_end ? HOSTILE_LAST_VA + PAGE_SIZE - op->length : HOSTILE_CODE_VA;
}

void hostile_name(struct hostile_op *op, const char *fmt, ...)
{
	va_list list;

	va_start(list, fmt);
	vsnprintf(op->name, sizeof(op->name), fmt, list);
	va_end(list);
}

void expect_fault(struct hostile_op *op, u32 vector, u32 error, u64 at)
{
	op->expect.outcome = OUTCOME_FAULT;
	op->expect.vector = vector;
	op->expect.error = error;
	op->expect.rip = hostile_entry(op) + at;
	op->expect.judged = JUDGE_RIP;
}

void expect_page_fault(struct hostile_op *op, u32 error, u64 at, u64 address)
{
	expect_fault(op, VECTOR_PF, error, at);
	op->expect.address = address;
	op->expect.judged |= JUDGE_ADDRESS;
}

void expect_done(struct hostile_op *op)
{
	op->expect.outcome = OUTCOME_DONE;
	op->expect.judged = 0;
}
