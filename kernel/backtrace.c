/* SPDX-License-Identifier: MIT */
/*
 * See backtrace.h. The doors' frames are known by the function that they call: struct pt_regs lies
 * right above the return address, but for handle_user_entry(), which runs on the task's stack and
 * has it on the entry stack.
 */
#include "kernel/backtrace.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/traps.h"
#include "kernel/symbols.h"

#define SCAN_BYTES KSTACK_BYTES /* no stack is larger */

extern const char kernel_text_start[], kernel_text_end[];

/* Bytes of CALL r/m64 (FF /2) with this ModR/M and SIB byte, without a prefix (SDM Vol 2, 2.1.5).
 */
static u32 indirect_call_length(u8 modrm, u8 sib)
{
	u8 mod = modrm >> 6, rm = modrm & 7;
	bool has_sib = mod != 3 && rm == 4;
	u32 displacement = 0;

	if (mod == 1)
		displacement = 1;
	else if (mod == 2 || (mod == 0 && (rm == 5 || (has_sib && (sib & 7) == 5))))
		displacement = 4;
	return 2 + has_sib + displacement;
}

/* Whether a CALL ends at ADDR; *target is where it goes, 0 if only its operand knew. */
static bool follows_call(u64 addr, u64 *target)
{
	const u8 *end = (const u8 *)addr;
	s32 distance;

	*target = 0;
	if (addr < (u64)kernel_text_start + 8 || addr > (u64)kernel_text_end)
		return false;
	if (end[-5] == 0xe8) {
		memcpy(&distance, end - 4, sizeof(distance));
		*target = addr + (u64)(s64)distance;
		if (*target >= (u64)kernel_text_start && *target < (u64)kernel_text_end)
			return true;
	}
	*target = 0;
	for (u32 len = 2; len <= 7; len++) {
		const u8 *at = end - len;

		if (at[0] == 0xff && (at[1] >> 3 & 7) == 2 &&
		    indirect_call_length(at[1], len > 2 ? at[2] : 0) == len)
			return true;
	}
	return false;
}

/* A function and its parts that a compiler moved away ("f.cold") are one. */
static bool same_function(const struct symbol *part, u64 target)
{
	struct symbol called;
	size_t len;

	if (!part->name || !symbol_at(target, &called))
		return false;
	len = strlen(called.name);
	return memcmp(part->name, called.name, min(len, strlen(part->name))) == 0 &&
	       (part->name[len] == '\0' || part->name[len] == '.');
}

/* The symbol of the CALL before a return address, which may be a function's very last one. */
static struct symbol caller_at(u64 addr)
{
	struct symbol symbol = {0};

	return symbol_at(addr - 1, &symbol) ? symbol : (struct symbol){0};
}

/* In the kernel's half: SYSCALL and SYSRET have a few instructions on the user's stack. */
static bool readable(u64 addr)
{
	return addr >> 63 && walk(read_cr3() & PTE_ADDR_MASK, addr, NULL, NULL);
}

/* The frame that a door has pushed, if TARGET is what a door calls; RETURN_AT holds its return. */
static const struct pt_regs *door_frame(unsigned int cpu, u64 target, u64 return_at)
{
	if (target == (u64)handle_kernel_entry || target == (u64)handle_paranoid_entry)
		return (const struct pt_regs *)(return_at + 8);
	if (target == (u64)handle_user_entry)
		return (const struct pt_regs *)percpu(cpu)->user_frame;
	return NULL;
}

u32 backtrace(unsigned int cpu, u64 rip, u64 rsp, struct frame *out, u32 max)
{
	struct symbol sure = {0}; /* the function of the last certain frame */
	u64 at = ALIGN_UP(rsp, 8), end = at + SCAN_BYTES;
	u32 n = 0;

	if (!max)
		return 0;
	out[n++] = (struct frame){rip, true, false};
	if (!readable(at)) /* a stack that has overflowed goes on above its guard page */
		at = ALIGN_UP(at + 1, PAGE_SIZE);
	symbol_at(rip, &sure);
	for (; n < max && at < end; at += 8) {
		const struct pt_regs *regs;
		u64 addr, target;

		if ((at % PAGE_SIZE == 0 || n == 1) && !readable(at))
			break;
		addr = *(const u64 *)at;
		if (!follows_call(addr, &target))
			continue;
		out[n] = (struct frame){addr, target && same_function(&sure, target), false};
		if (out[n++].certain)
			sure = caller_at(addr);
		regs = door_frame(cpu, target, at);
		if (!regs || n == max)
			continue;
		out[n++] = (struct frame){regs->rip, true, user_mode(regs)};
		if (user_mode(regs))
			break;
		sure = (struct symbol){0};
		symbol_at(regs->rip, &sure);
		end = regs->rsp + SCAN_BYTES;
		at = ALIGN_UP(regs->rsp, 8) - 8;
		if (!readable(at + 8))
			break;
	}
	return n;
}

void text_add_frame(struct text *text, const struct frame *frame)
{
	if (!frame->certain)
		text_add(text, "? ");
	if (frame->ring3)
		text_add(text, "ring 3 at 0x%lx", frame->addr);
	else
		text_add_symbol(text, frame->addr);
}
