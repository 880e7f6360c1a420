/* SPDX-License-Identifier: MIT */
/*
 * See backtrace.h. A stack ends at the first page that is not mapped: each has one above it. The
 * doors' frames are known by the function that they call: struct pt_regs lies right above the
 * return address, but for handle_user_entry(), which runs on the task's stack and has it on the
 * entry stack.
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
#define CALL_BYTES 5		/* E8 and a distance of 32 bits */
#define JUMP_BYTES 5		/* E9 and a distance */
#define CANDIDATES 96		/* more are left out, from the outer end */

/* What a step is worth, see choose(): the chain with the lowest sum is taken. */
#define COST_SURE     (-8)
#define COST_INDIRECT 0
#define COST_JUMP     7 /* the called function may have gone on through a pointer */
#define COST_MISMATCH 50

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
	if (end[-CALL_BYTES] == 0xe8) {
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
static bool same_function(const struct symbol *part, const struct symbol *function)
{
	size_t n = strlen(function->name);

	return strlen(part->name) >= n && memcmp(part->name, function->name, n) == 0 &&
	       (part->name[n] == '\0' || part->name[n] == '.');
}

/* How a call of a function may have got to another place. */
enum lead { LEADS_NOT, LEADS_BY_POINTER, LEADS_SURELY };

/*
 * Tail calls. Bytes of FUNCTION that are a jump to where TARGET starts (E9, EB), or perhaps a jump
 * through a pointer (FF /4).
 */
static enum lead jumps_to(const struct symbol *function, const struct symbol *target)
{
	enum lead lead = LEADS_NOT;

	for (u64 at = function->start; at + JUMP_BYTES <= function->end; at++) {
		const u8 *code = (const u8 *)at;
		s32 distance;

		memcpy(&distance, code + 1, sizeof(distance));
		if (code[0] == 0xe9 && at + JUMP_BYTES + (u64)(s64)distance == target->start)
			return LEADS_SURELY;
		if (code[0] == 0xeb && at + 2 + (u64)(s64)(int8_t)code[1] == target->start)
			return LEADS_SURELY;
		if (code[0] == 0xff && (code[1] >> 3 & 7) == 4)
			lead = LEADS_BY_POINTER;
	}
	return lead;
}

/* Whether a call of CALLED leads to ADDR: into its function, or by that one's tail call. */
static enum lead leads_to(u64 called, u64 addr)
{
	struct symbol holds, function;

	if (!symbol_at(addr, &holds) || !symbol_at(called, &function) || function.start != called)
		return LEADS_NOT;
	return same_function(&holds, &function) ? LEADS_SURELY : jumps_to(&function, &holds);
}

/* A word that may be a return address. The first is where the CPU is. */
struct candidate {
	u64 addr;
	u64 called;		    /* by the CALL before it; 0: through a pointer */
	u64 inside;		    /* what the next one's call has to lead to */
	const struct pt_regs *door; /* what a door has pushed, if it is a door's call */
	bool end;		    /* a door from ring 3 or another stack: the chain ends here */
	s32 cost;		    /* of the best chain from here to the outermost one */
	u32 next;
};

/* In the kernel's half: SYSCALL and SYSRET have a few instructions on the user's stack. */
static bool readable(u64 addr)
{
	return addr >> 47 == 0x1ffff && walk(read_cr3() & PTE_ADDR_MASK, addr, NULL, NULL);
}

/* The frame that a door has pushed, if TARGET is what a door calls; RETURN_AT holds its return. */
static const struct pt_regs *door_frame(unsigned int cpu, u64 target, u64 return_at)
{
	u64 frame = return_at + 8;

	if (target == (u64)handle_user_entry)
		return (const struct pt_regs *)percpu(cpu)->user_frame;
	if (target != (u64)handle_kernel_entry && target != (u64)handle_paranoid_entry)
		return NULL;
	return readable(frame + sizeof(struct pt_regs) - 1) ? (const struct pt_regs *)frame : NULL;
}

/* A door that interrupted the stack which it runs on is passed; any other is an end. */
static void look_at_door(struct candidate *candidate, unsigned int cpu, u64 at)
{
	const struct pt_regs *regs = door_frame(cpu, candidate->called, at);

	candidate->door = regs;
	if (!regs)
		return;
	candidate->end = user_mode(regs) || regs->rsp <= at || regs->rsp - at > SCAN_BYTES;
	if (!candidate->end)
		candidate->inside = regs->rip;
}

static u32 find_candidates(struct candidate *list, unsigned int cpu, u64 rip, u64 rsp)
{
	u64 at = ALIGN_UP(rsp, 8), end;
	u32 nr = 1;

	list[0] = (struct candidate){.addr = rip, .inside = rip};
	if (!readable(at)) /* a stack that has overflowed goes on above its guard page */
		at = ALIGN_UP(at + 1, PAGE_SIZE);
	if (!readable(at))
		return nr;
	for (end = at + SCAN_BYTES; nr < CANDIDATES && at < end; at += 8) {
		u64 addr, target;

		if (at % PAGE_SIZE == 0 && !readable(at))
			break;
		addr = *(const u64 *)at;
		if (!follows_call(addr, &target))
			continue;
		list[nr] = (struct candidate){.addr = addr, .called = target, .inside = addr - 1};
		look_at_door(&list[nr++], cpu, at);
	}
	return nr;
}

static s32 cost_of_step(const struct candidate *inner, const struct candidate *outer)
{
	static const s32 costs[] = {[LEADS_NOT] = COST_MISMATCH,
				    [LEADS_BY_POINTER] = COST_JUMP,
				    [LEADS_SURELY] = COST_SURE};

	return outer->called ? costs[leads_to(outer->called, inner->inside)] : COST_INDIRECT;
}

/*
 * The cheapest chain from the first to the last, which is no leftover: a stack begins with a call.
 * Steps that are confirmed are worth taking, so no true frame is jumped over; what earlier calls
 * left is confirmed among itself, too, but costs a step in and one out of it. Of equals the nearest
 * is taken: leftovers lie in a frame, below the return address of its function.
 */
static void choose(struct candidate *list, u32 nr)
{
	for (u32 i = nr - 1; i-- > 0;) {
		list[i].cost = list[i].end ? 0 : INT32_MAX;
		for (u32 k = i + 1; k < nr && !list[i].end; k++) {
			s32 cost = cost_of_step(&list[i], &list[k]) + list[k].cost;

			if (cost < list[i].cost) {
				list[i].cost = cost;
				list[i].next = k;
			}
		}
	}
}

/* One stack, or the part of one below a door. Returns the frame of a door behind which it goes on.
 */
static const struct pt_regs *walk_stack(unsigned int cpu, u64 rip, u64 rsp, struct frame *out,
					u32 *n, u32 max)
{
	static struct candidate list[CANDIDATES];
	u32 nr = find_candidates(list, cpu, rip, rsp);

	choose(list, nr);
	for (u32 i = 0; i != nr - 1 && *n < max; i = list[i].next) {
		const struct candidate *outer = &list[list[i].next];
		bool sure = cost_of_step(&list[i], outer) == COST_SURE;

		out[(*n)++] = (struct frame){outer->addr, sure ? FRAME_CALL : FRAME_GUESS};
		if (outer->door)
			return outer->door;
	}
	return NULL;
}

u32 backtrace(unsigned int cpu, u64 rip, u64 rsp, struct frame *out, u32 max)
{
	const struct pt_regs *door;
	u32 n = 0;

	if (!max)
		return 0;
	out[n++] = (struct frame){rip, FRAME_HERE};
	while ((door = walk_stack(cpu, rip, rsp, out, &n, max)) && n < max) {
		rip = door->rip;
		rsp = door->rsp;
		if (user_mode(door)) {
			out[n++] = (struct frame){rip, FRAME_RING3};
			break;
		}
		out[n++] = (struct frame){rip, FRAME_INTERRUPTED};
	}
	return n;
}

void text_add_frame(struct text *text, const struct frame *frame)
{
	switch (frame->kind) {
	case FRAME_RING3:
		text_add(text, "ring 3 at 0x%lx", frame->addr);
		break;
	case FRAME_CALL:
		text_add_return_address(text, frame->addr);
		break;
	case FRAME_GUESS:
		text_add(text, "? ");
		text_add_return_address(text, frame->addr);
		break;
	default:
		text_add_symbol(text, frame->addr);
	}
}
