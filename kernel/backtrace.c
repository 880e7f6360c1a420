/* SPDX-License-Identifier: MIT */
/*
 * See backtrace.h. A stack ends at the first page that is not mapped: each has one above it. Where
 * a door's call is found, what the door pushed lies behind the return address.
 */
#include "kernel/backtrace.h"

#include "arch/x86_64/kernel_map.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/regs.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/traps.h"
#include "kernel/symbols.h"

#define STACK_WORDS 2048 /* no stack is larger */
#define CALL_BYTES  5	 /* E8 and a distance of 32 bits */
#define JUMP_BYTES  5	 /* E9 and a distance */
#define CANDIDATES  96	 /* more are left out, from the outer end */

/* What a step is worth, see choose(): the chain with the lowest sum is taken. */
#define COST_SURE     (-8)
#define COST_INDIRECT 0
#define COST_JUMP     7 /* the called function may have gone on through a pointer */
#define COST_MISMATCH 50

static bool is_mapped(u64 addr)
{
	unsigned int level;
	const pte_t *entry = lookup_pte(kernel_root, addr, &level);

	return entry && (*entry & PTE_PRESENT);
}

/* The start of the function that the call before ADDR goes to, 0 if it is no direct call. */
static u64 called_before(u64 addr)
{
	const u8 *call = (const u8 *)addr - CALL_BYTES;
	s32 distance;

	if (call[0] != 0xe8)
		return 0;
	memcpy(&distance, call + 1, sizeof(distance));
	return addr + (u64)(s64)distance;
}

/* FF /2, call through a register or memory, in each of its lengths. */
static bool indirect_call_before(u64 addr)
{
	static const u8 lengths[] = {2, 3, 4, 6, 7};

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		const u8 *call = (const u8 *)addr - lengths[i];

		if (call[0] == 0xff && (call[1] >> 3 & 7) == 2)
			return true;
	}
	return false;
}

/* "f" and "f.cold" are parts of one function. */
static bool same_function(const struct symbol *part, const struct symbol *function)
{
	size_t n = 0;

	while (function->name[n] && function->name[n] != '.')
		n++;
	return strncmp(part->name, function->name, n) == 0 &&
	       (!part->name[n] || part->name[n] == '.');
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
	u64 called; /* by the call before it; 0: through a pointer */
	u64 behind; /* the stack's address behind the word */
	u64 inside; /* what the next one's call has to lead to */
	bool end;   /* a door from ring 3, or from another stack: no chain goes on here */
	s32 cost;   /* of the best chain from here to the outermost one */
	u32 next;
};

/* Whether ADDR is where a door called its handler, and with the frame right behind it. */
static bool is_door(u64 addr, bool *frame_follows)
{
	u64 called = called_before(addr);

	*frame_follows = called == (u64)handle_kernel_entry || called == (u64)handle_paranoid_entry;
	return *frame_follows || called == (u64)handle_user_entry;
}

static const struct pt_regs *frame_behind(u64 behind)
{
	bool whole = is_mapped(behind) && is_mapped(behind + sizeof(struct pt_regs) - 1);

	return whole ? (const struct pt_regs *)behind : NULL;
}

/* A door that interrupted this very stack is passed; any other is an end. */
static void look_at_door(struct candidate *candidate)
{
	const struct pt_regs *regs = NULL;
	bool frame_follows;

	if (!is_door(candidate->addr, &frame_follows))
		return;
	if (frame_follows)
		regs = frame_behind(candidate->behind);
	candidate->end = !regs || user_mode(regs) || regs->rsp <= candidate->behind ||
			 regs->rsp - candidate->behind > STACK_WORDS * sizeof(u64);
	if (!candidate->end)
		candidate->inside = regs->rip;
}

static u32 find_candidates(struct candidate *list, u64 rip, u64 rsp)
{
	u64 at = ALIGN_UP(rsp, sizeof(u64));
	u32 nr = 1;

	list[0] = (struct candidate){.addr = rip, .inside = rip, .behind = at};
	for (u32 words = 0; words < STACK_WORDS && nr < CANDIDATES && is_mapped(at); words++) {
		u64 addr = *(const u64 *)at;
		struct symbol symbol;

		at += sizeof(u64);
		if (!symbol_at(addr - 1, &symbol) || addr - symbol.start < CALL_BYTES)
			continue;
		list[nr] = (struct candidate){.addr = addr,
					      .called = called_before(addr),
					      .behind = at,
					      .inside = addr - 1};
		look_at_door(&list[nr]);
		if (list[nr].called || indirect_call_before(addr))
			nr++;
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

static bool add(struct backtrace *out, enum frame_kind kind, u64 addr)
{
	if (out->nr == BACKTRACE_FRAMES) {
		out->cut = true;
		return false;
	}
	out->frame[out->nr].kind = kind;
	out->frame[out->nr++].addr = addr;
	return true;
}

/* What a door interrupted. True, with the place, if that is a place in the kernel. */
static bool pass_door(struct backtrace *out, const struct candidate *door, u64 *rip, u64 *rsp)
{
	const struct pt_regs *regs = NULL;
	bool frame_follows;

	if (is_door(door->addr, &frame_follows) && frame_follows)
		regs = frame_behind(door->behind);
	if (!regs || user_mode(regs)) {
		add(out, FRAME_RING3, regs ? regs->rip : 0);
		return false;
	}
	*rip = regs->rip;
	*rsp = regs->rsp;
	return add(out, FRAME_INTERRUPTED, regs->rip);
}

/* One stack, or the part of one below a door. True, with the place, if it goes on behind a door. */
static bool walk_stack(struct backtrace *out, u64 *rip, u64 *rsp)
{
	struct candidate list[CANDIDATES];
	u32 nr = find_candidates(list, *rip, *rsp);
	bool frame_follows;

	choose(list, nr);
	for (u32 i = 0; i != nr - 1;) {
		const struct candidate *outer = &list[list[i].next];
		bool sure = cost_of_step(&list[i], outer) == COST_SURE;

		if (!add(out, sure ? FRAME_CALL : FRAME_GUESS, outer->addr))
			return false;
		if (is_door(outer->addr, &frame_follows))
			return pass_door(out, outer, rip, rsp);
		i = list[i].next;
	}
	return false;
}

void backtrace_from(struct backtrace *out, u64 rip, u64 rsp)
{
	*out = (struct backtrace){0};
	add(out, FRAME_HERE, rip);
	while (walk_stack(out, &rip, &rsp))
		;
}

noinline void backtrace_here(struct backtrace *out)
{
	u64 *frame = __builtin_frame_address(0);

	backtrace_from(out, frame[1], (u64)(frame + 2));
}

void backtrace_print(const struct backtrace *trace, void (*print)(const char *fmt, ...))
{
	for (u32 i = 0; i < trace->nr; i++) {
		enum frame_kind kind = trace->frame[i].kind;
		u64 addr = trace->frame[i].addr;
		char name[80];
		struct text text = text_in(name, sizeof(name));

		if (kind == FRAME_CALL || kind == FRAME_GUESS)
			text_add_return_address(&text, addr);
		else
			text_add_symbol(&text, addr);
		switch (kind) {
		case FRAME_RING3:
			if (addr)
				print("   from ring 3, at 0x%lx\n", addr);
			else
				print("   from ring 3\n");
			break;
		case FRAME_INTERRUPTED:
			print("   interrupted at\n   %016lx %s\n", addr, name);
			break;
		default:
			print(" %s %016lx %s\n", kind == FRAME_GUESS ? "?" : " ", addr, name);
		}
	}
	if (trace->cut)
		print("   and more\n");
}
