/* SPDX-License-Identifier: MIT */
/*
 * Backtraces: calls in their order, through a pointer, by a tail call, through a breakpoint's door,
 * with leftovers of earlier calls in between that must not be taken for frames.
 */
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/traps.h"
#include "kernel/backtrace.h"
#include "kernel/ktest.h"
#include "kernel/say.h"
#include "kernel/symbols.h"

#define FRAMES 24

static struct frame frames[FRAMES];
static u32 found;
static volatile u32 sink;
static void (*volatile pointer)(void);

/* Not inlined, and not left by a jump unless a test says so: something is done behind the call. */
static noinline void take_trace(void)
{
	found = backtrace(this_cpu_number(), (u64)__builtin_return_address(0),
			  (u64)__builtin_frame_address(0) + 16, frames, FRAMES);
	sink++;
}

/* Leaves calls on the stack below its caller's frame. */
static noinline u32 leaver_inner(u32 n)
{
	volatile u32 room[8] = {n};

	sink += room[n % 8];
	return sink;
}

static noinline u32 leaver(u32 n)
{
	u32 sum = leaver_inner(n);

	return sum + leaver_inner(n + 1);
}

/* Its frame has room that is not written: what leaver() left shows through. */
static noinline void with_leftovers(void)
{
	volatile u64 room[24];

	sink += leaver(1);
	room[0] = sink;
	take_trace();
	sink += (u32)room[0];
}

static noinline void by_pointer(void)
{
	pointer();
	sink++;
}

static noinline void jumper(void)
{
	sink++;
	barrier();
	with_leftovers();
}

static noinline void outer(void)
{
	pointer = jumper;
	by_pointer();
	sink++;
}

static bool is_at(u32 frame, enum frame_kind kind, const char *name)
{
	struct symbol symbol;
	size_t n = strlen(name);

	return frame < found && frames[frame].kind == kind &&
	       symbol_at(frames[frame].addr - 1, &symbol) && strncmp(symbol.name, name, n) == 0 &&
	       (!symbol.name[n] || symbol.name[n] == '.');
}

/* The first frame of this kind in NAME; FRAMES if there is none. */
static u32 find(const char *name, enum frame_kind kind)
{
	for (u32 i = 0; i < found; i++)
		if (is_at(i, kind, name))
			return i;
	return FRAMES;
}

/* A trace that is not as it should be is shown. */
static void show_trace(void)
{
	for (u32 i = 0; i < found; i++) {
		char name[80];
		struct text text = text_in(name, sizeof(name));

		text_add_frame(&text, &frames[i]);
		say("  %u %s\n", frames[i].kind, name);
	}
}

#define EXPECT_TRACE(cond)                                                                         \
	do {                                                                                       \
		if (!(cond))                                                                       \
			show_trace();                                                              \
		EXPECT(cond);                                                                      \
	} while (0)

/*
 * What earlier calls left below, this test's own leaver() apart, is gone: a chain of theirs that
 * confirms itself can be taken for a part of the true one (choose()).
 */
static noinline void wipe_stack_below(void)
{
	volatile u64 below[256];

	for (u32 i = 0; i < ARRAY_SIZE(below); i++)
		below[i] = 0;
}

/* jumper() is in it if the compiler called from it, and not if it jumped. */
KTEST(backtrace, callers_come_in_their_order)
{
	u32 next = 1;

	wipe_stack_below();
	outer();
	EXPECT_TRACE(is_at(0, FRAME_HERE, "with_leftovers"));
	if (is_at(next, FRAME_CALL, "jumper"))
		next++;
	EXPECT_TRACE(is_at(next, FRAME_GUESS, "by_pointer"));
	EXPECT_TRACE(is_at(next + 1, FRAME_CALL, "outer"));
	EXPECT_TRACE(find("leaver", FRAME_CALL) == FRAMES);
	EXPECT_TRACE(find("leaver_inner", FRAME_CALL) == FRAMES);
	EXPECT_TRACE(find("callers_come_in_their_order", FRAME_CALL) == next + 2);
	EXPECT_TRACE(find("kernel_main", FRAME_CALL) < FRAMES);
}

static void trace_breakpoint(struct pt_regs *regs)
{
	(void)regs;
	take_trace();
	sink++;
}

static noinline void breakpoint_in_here(void)
{
	__asm__ volatile("int3" ::: "memory");
	sink++;
}

KTEST(backtrace, goes_on_behind_an_exception)
{
	u32 door;

	bp_hook = trace_breakpoint;
	breakpoint_in_here();
	bp_hook = NULL;
	door = find("breakpoint_in_here", FRAME_INTERRUPTED);
	EXPECT_TRACE(is_at(0, FRAME_HERE, "trace_breakpoint"));
	EXPECT_TRACE(door > 0 && door < FRAMES);
	EXPECT_TRACE(is_at(door + 1, FRAME_CALL, "goes_on_behind_an_exception"));
}

KTEST(backtrace, ends_at_its_room)
{
	EXPECT_EQ(backtrace(this_cpu_number(), (u64)take_trace, 0, frames, 0), 0);
	EXPECT_EQ(backtrace(this_cpu_number(), (u64)__builtin_return_address(0),
			    (u64)__builtin_frame_address(0) + 16, frames, 1),
		  1);
}

KTEST(backtrace, names_of_code)
{
	struct symbol symbol = {0};

	ASSERT(symbol_at((u64)take_trace, &symbol));
	EXPECT_EQ(symbol.start, (u64)take_trace);
	EXPECT(strcmp(symbol.name, "take_trace") == 0);
	EXPECT(symbol_at(symbol.end - 1, &symbol) && symbol.start == (u64)take_trace);
	EXPECT(!symbol_at((u64)&symbol, &symbol));
	EXPECT(!symbol_at((u64)&sink, &symbol));
	EXPECT(!symbol_at(0, &symbol));
	EXPECT(!symbol_at(~0UL, &symbol));
}

/* Stacks that are none: nothing is read there. */
KTEST(backtrace, wild_stack_pointers)
{
	static const u64 wild[] = {0, 1, 0x0000800000000000, 0x8000000000000000, ~0UL, ~0UL - 7};

	for (size_t i = 0; i < ARRAY_SIZE(wild); i++)
		EXPECT_EQ(backtrace(this_cpu_number(), (u64)take_trace, wild[i], frames, FRAMES),
			  1);
}
