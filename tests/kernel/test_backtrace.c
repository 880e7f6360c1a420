/* SPDX-License-Identifier: MIT */
/*
 * Backtraces: a chain of calls whose order is known, taken on its innermost function, through an
 * exception, and of a CPU in ring 3.
 */
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/traps.h"
#include "kernel/backtrace.h"
#include "kernel/ktest.h"
#include "kernel/symbols.h"

#define FRAMES 24

static struct frame frames[FRAMES];
static u32 found;

/* The index of the first frame from FROM on that is certain and in NAME; FRAMES if there is none.
 */
static u32 index_of(const char *name, u32 from)
{
	struct symbol symbol;

	for (u32 i = from; i < found; i++)
		if (frames[i].certain && symbol_at(frames[i].addr - 1, &symbol) &&
		    strcmp(symbol.name, name) == 0)
			return i;
	return FRAMES;
}

/* A call behind each one keeps the compiler from jumping instead. */
static noinline void backtrace_inner(void)
{
	found = backtrace(this_cpu_number(), (u64)__builtin_return_address(0),
			  (u64)__builtin_frame_address(0) + 16, frames, FRAMES);
	barrier();
}

static noinline void backtrace_middle(void)
{
	backtrace_inner();
	barrier();
}

static noinline void backtrace_outer(void)
{
	backtrace_middle();
	barrier();
}

KTEST(backtrace, callers_come_in_their_order)
{
	u32 middle, outer, test;

	backtrace_outer();
	middle = index_of("backtrace_middle", 0);
	outer = index_of("backtrace_outer", middle + 1);
	test = index_of("callers_come_in_their_order", outer + 1);
	EXPECT_EQ(middle, 0);
	EXPECT(outer < test && test < FRAMES);
}

static void trace_breakpoint(struct pt_regs *regs)
{
	(void)regs;
	backtrace_middle();
}

static noinline void backtrace_breakpoint(void)
{
	__asm__ volatile("int3" ::: "memory");
}

KTEST(backtrace, goes_on_behind_an_exception)
{
	u32 handler, interrupted, test;

	bp_hook = trace_breakpoint;
	backtrace_breakpoint();
	bp_hook = NULL;
	handler = index_of("backtrace_middle", 0);
	interrupted = index_of("backtrace_breakpoint", 0);
	test = index_of("goes_on_behind_an_exception", 0);
	EXPECT(handler < interrupted && interrupted < test && test < FRAMES);
}

KTEST(backtrace, names_of_code)
{
	struct symbol symbol = {0};

	ASSERT(symbol_at((u64)backtrace_outer, &symbol));
	EXPECT_EQ(symbol.start, (u64)backtrace_outer);
	EXPECT(strcmp(symbol.name, "backtrace_outer") == 0);
	EXPECT(!symbol_at((u64)&symbol, &symbol));
	EXPECT(!symbol_at(0, &symbol));
}
