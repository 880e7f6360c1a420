/* SPDX-License-Identifier: MIT */
/*
 * Watching writes, see write_watch.h.
 */
#include "arch/x86_64/write_watch.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/descriptors.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/regs.h"

#define WORDS (CACHE_LINE / sizeof(u64))

/* Each of the four: locally enabled, on writes, 8 bytes (SDM Vol 3, figure 17-1). Bit 10 is 1. */
#define DR7_FOUR_WRITES 0x99990455UL
#define DR7_NONE	BIT(10)
#define DR6_BREAKPOINTS 0xfUL

extern const char write_watch_door[];
extern struct write_watch_state write_watch_state;
struct write_watch_state write_watch_state;
static bool under_way;

static void set_breakpoints(const u64 *word)
{
	__asm__ volatile("mov %0, %%dr0; mov %1, %%dr1; mov %2, %%dr2; mov %3, %%dr3" ::"r"(word),
			 "r"(word + 1), "r"(word + 2), "r"(word + 3));
}

bool half_line_written(const void *half, void (*func)(void *arg), void *arg)
{
	u64 hits;

	BUG_ON(!IS_ALIGNED((u64)half, HALF_LINE));
	BUG_ON(__atomic_exchange_n(&under_way, true, __ATOMIC_ACQUIRE));
	idt_set_stub(VECTOR_DB, write_watch_door);
	WRITE_ONCE(write_watch_state.hits, 0);
	set_breakpoints(half);
	write_dr6(0);
	write_dr7(DR7_FOUR_WRITES);
	func(arg);
	write_dr7(DR7_NONE);
	write_dr6(0);
	hits = READ_ONCE(write_watch_state.hits);
	idt_set_stub(VECTOR_DB, NULL);
	__atomic_store_n(&under_way, false, __ATOMIC_RELEASE);
	return hits & DR6_BREAKPOINTS;
}

u64 lines_written(const void *start, u64 bytes, void (*func)(void *arg), void *arg)
{
	const char *line = start;
	u64 lines = 0;

	BUG_ON(!IS_ALIGNED((u64)start | bytes, CACHE_LINE));
	for (; line < (const char *)start + bytes; line += CACHE_LINE) {
		bool first = half_line_written(line, func, arg);

		lines += half_line_written(line + HALF_LINE, func, arg) || first;
	}
	return lines;
}

/* --- Whether it can be believed ------------------------------------------------------------- */

static struct {
	u64 word[WORDS];
	u64 beside;
} tried __aligned(CACHE_LINE);

static void write_plain(void *arg)
{
	WRITE_ONCE(*(u64 *)arg, READ_ONCE(*(u64 *)arg));
}

static void write_locked(void *arg)
{
	__atomic_fetch_add((u64 *)arg, 1, __ATOMIC_SEQ_CST);
}

static void write_narrow(void *arg)
{
	WRITE_ONCE(*((u8 *)arg + 7), 1);
}

static void read_only(void *arg)
{
	(void)READ_ONCE(*(u64 *)arg);
}

static bool seen(void (*func)(void *arg), u64 *word)
{
	return lines_written(&tried, CACHE_LINE, func, word) != 0;
}

bool write_watch_works(void)
{
	for (u32 i = 0; i < WORDS; i++)
		if (!seen(write_plain, &tried.word[i]) || !seen(write_locked, &tried.word[i]) ||
		    !seen(write_narrow, &tried.word[i]) || seen(read_only, &tried.word[i]))
			return false;
	return !seen(write_plain, &tried.beside) && !seen(write_locked, &tried.beside);
}
