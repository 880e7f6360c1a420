/* SPDX-License-Identifier: MIT */
/*
 * Backtraces: calls in their order, through a pointer, by a tail call, through a breakpoint's door,
 * with leftovers of earlier calls in between that must not be taken for frames.
 */
#include "arch/x86_64/string.h"
#include "arch/x86_64/traps.h"
#include "kernel/backtrace.h"
#include "kernel/console.h"
#include "kernel/format.h"
#include "kernel/ktest.h"
#include "kernel/symbols.h"

static struct backtrace trace;
static volatile u32 sink;
static void (*volatile pointer)(void);

/* Not inlined, and not left by a jump unless a test says so: something is done behind the call. */
static noinline void take_trace(void)
{
	backtrace_here(&trace);
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
	__asm__ volatile("" ::: "memory");
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

	return frame < trace.nr && trace.frame[frame].kind == kind &&
	       symbol_at(trace.frame[frame].addr - 1, &symbol) &&
	       strncmp(symbol.name, name, n) == 0 && (!symbol.name[n] || symbol.name[n] == '.');
}

static u32 find(const char *name, enum frame_kind kind)
{
	u32 i = 0;

	while (i < trace.nr && !is_at(i, kind, name))
		i++;
	return i;
}

static void print_failed(const char *fmt, ...) __printf(1, 2);
static void print_failed(const char *fmt, ...)
{
	char line[120];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	console_write(line, strlen(line));
}

/* A trace that is not as it should be is shown. */
#define EXPECT_TRACE(cond)                                                                         \
	do {                                                                                       \
		if (!(cond))                                                                       \
			backtrace_print(&trace, print_failed);                                     \
		EXPECT(cond);                                                                      \
	} while (0)

/* jumper() is in it if the compiler called from it, and not if it jumped. */
KTEST(backtrace, calls_in_their_order)
{
	u32 next = 2;

	outer();
	EXPECT_TRACE(is_at(0, FRAME_HERE, "take_trace"));
	EXPECT_TRACE(is_at(1, FRAME_CALL, "with_leftovers"));
	if (is_at(next, FRAME_CALL, "jumper"))
		next++;
	EXPECT_TRACE(is_at(next, FRAME_GUESS, "by_pointer"));
	EXPECT_TRACE(is_at(next + 1, FRAME_CALL, "outer"));
	EXPECT_TRACE(find("leaver", FRAME_CALL) == trace.nr);
	EXPECT_TRACE(find("leaver_inner", FRAME_CALL) == trace.nr);
	EXPECT_TRACE(find("kernel_main", FRAME_CALL) < trace.nr);
}

static void trace_at_breakpoint(struct pt_regs *regs)
{
	(void)regs;
	backtrace_here(&trace);
	sink++;
}

static noinline void breakpoint_in_here(void)
{
	__asm__ volatile("int3" ::: "memory");
	sink++;
}

KTEST(backtrace, through_a_door)
{
	u32 door;

	bp_hook = trace_at_breakpoint;
	breakpoint_in_here();
	bp_hook = NULL;
	door = find("breakpoint_in_here", FRAME_INTERRUPTED);
	EXPECT_TRACE(door > 0 && door < trace.nr);
	EXPECT_TRACE(is_at(door + 1, FRAME_CALL, "through_a_door"));
}

KTEST(backtrace, symbols)
{
	struct symbol symbol;

	ASSERT(symbol_at((u64)take_trace, &symbol));
	EXPECT(strcmp(symbol.name, "take_trace") == 0);
	EXPECT_EQ(symbol.start, (u64)take_trace);
	EXPECT(symbol_at(symbol.end - 1, &symbol) && symbol.start == (u64)take_trace);
	EXPECT(!symbol_at(0, &symbol));
	EXPECT(!symbol_at((u64)&sink, &symbol));
	EXPECT(!symbol_at(~0UL, &symbol));
}

/* Stacks that are none: nothing is read there. */
KTEST(backtrace, wild_stack_pointers)
{
	static const u64 wild[] = {0, 1, 0x0000800000000000, ~0UL, ~0UL - 7};

	for (size_t i = 0; i < ARRAY_SIZE(wild); i++) {
		backtrace_from(&trace, (u64)take_trace, wild[i]);
		EXPECT_EQ(trace.nr, 1);
	}
}
