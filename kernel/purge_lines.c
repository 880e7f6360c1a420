/* SPDX-License-Identifier: MIT */
/*
 * Which cache lines of others a purge writes, see purge_cost.h: the instrument is the CPU's own
 * (arch/x86_64/write_watch.h), and knows no policy.
 *
 * Other CPUs' lines: the policy's words and the head of the call queue, of each CPU's block. Shared
 * ones: the words of policies that belong to no CPU. Some of these are rings, whose next entry a
 * purge writes (ledger's). So each line that may be written is watched for once round the longest
 * ring, and at each place of it the lines are counted: it has to be the same number everywhere.
 */
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/string.h"
#include "arch/x86_64/write_watch.h"
#include "kernel/purge_cost.h"
#include "mm/policy/policy.h"
#include "mm/tlbflush.h"

#define LINES_MAX 64

extern const char policy_globals_start[], policy_globals_end[];

/* What an initiator may write of another CPU's block lies between the two (percpu.h). */
#define BLOCK_START offsetof(struct percpu, policy_shared)
#define BLOCK_END   (offsetof(struct percpu, policy_own) + CACHE_LINE)

static u64 remote_lines(struct purge_range *range)
{
	u64 lines = 0;

	for (unsigned int cpu = 0; cpu < nr_online_cpus(); cpu++)
		if (cpu != this_cpu_number())
			lines += lines_written((const char *)percpu(cpu) + BLOCK_START,
					       BLOCK_END - BLOCK_START, purge_once, range);
	return lines;
}

/*
 * The lines that may be written, as bits: those that a purge writes wherever it stands, and those
 * whose content changes in a round, as a ring's does.
 */
static u64 candidates(struct purge_range *range)
{
	static char before[LINES_MAX][CACHE_LINE];
	u64 bytes = (u64)(policy_globals_end - policy_globals_start);
	u64 found = 0;

	BUG_ON(bytes > sizeof(before));
	memcpy(before, policy_globals_start, bytes);
	for (u32 i = 0; i < POLICY_RING; i++)
		purge_once(range);
	for (u32 line = 0; line < bytes / CACHE_LINE; line++) {
		const char *now = policy_globals_start + line * CACHE_LINE;

		if (memcmp(before[line], now, CACHE_LINE) != 0 ||
		    lines_written(now, CACHE_LINE, purge_once, range))
			found |= BIT(line);
	}
	return found;
}

/* Each half of a line takes once round, so that all begin at the same place. */
static u64 shared_lines(struct purge_range *range, bool *steady)
{
	struct cpumask written[POLICY_RING] = {0}; /* of lines, here */

	for (u64 rest = candidates(range); rest; rest &= rest - 1) {
		u32 line = (u32)__builtin_ctzl(rest);
		const char *start = policy_globals_start + line * CACHE_LINE;

		for (u32 half = 0; half < 2; half++)
			for (u32 i = 0; i < POLICY_RING; i++)
				if (half_line_written(start + half * HALF_LINE, purge_once, range))
					cpumask_set(&written[i], line);
	}
	for (u32 i = 1; i < POLICY_RING; i++)
		if (cpumask_weight(&written[i]) != cpumask_weight(&written[0]))
			*steady = false;
	return cpumask_weight(&written[0]);
}

void purge_lines(u64 pages, struct purge_cost *cost)
{
	static enum { UNTRIED, BLIND, SEES } sight;
	struct purge_range range = purge_range(pages);

	if (sight == UNTRIED)
		sight = write_watch_works() ? SEES : BLIND;
	cost->lines_known = sight == SEES;
	if (sight == BLIND)
		return;
	flush_books = false;
	cost->remote_lines = remote_lines(&range);
	cost->shared_lines = shared_lines(&range, &cost->steady);
	flush_books = true;
}
