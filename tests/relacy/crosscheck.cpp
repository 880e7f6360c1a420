/* SPDX-License-Identifier: MIT */
/*
 * Two policies' protocols in a few lines each, searched by Relacy, which shares no code and no
 * memory model with the explorer: is its verdict the same?
 *
 *	cr3-flag	flag := 1; CR3 write (full barrier, flush); touch
 *	N7		the flag goes up after the flush
 *	generation	in_kernel := 1 by XCHG; read the counter; flush if it has moved; touch
 *	plain-store	the same without the XCHG's barrier: broken, as a mutant of generation.c is
 *
 * The TLB: after the target's flush it may be filled from memory at once, so what it then holds is
 * what the PTE said at that moment. Stale: it holds the old translation, and the purge is over
 * though the target was not interrupted. Relacy's memory is C11's, weaker than x86-TSO: what is
 * clean here is clean there, and these defects need nothing that x86 lacks.
 */
#include <relacy/relacy.hpp>

#include <cstdio>
#include <iostream>

/* The purge: PTE cleared, number taken (LOCKed), the target's word read; 0: deferred, so over. */
struct purge {
	rl::atomic<int> present, word, counter, over;

	void begin()
	{
		present($) = 1;
		word($) = 0;
		counter($) = 0;
		over($) = 0;
	}

	void initiate()
	{
		present.store(0, rl::mo_relaxed, $);
		counter.fetch_add(1, rl::mo_seq_cst, $);
		rl::atomic_thread_fence(rl::mo_seq_cst, $);
		if (word.load(rl::mo_relaxed, $) == 0)
			over.store(1, rl::mo_release, $);
	}

	void touch(int tlb)
	{
		if (over.load(rl::mo_acquire, $))
			RL_ASSERT(!tlb);
	}
};

struct cr3_flag : rl::test_suite<cr3_flag, 2>, purge {
	void before()
	{
		begin();
	}

	void thread(unsigned index)
	{
		if (index == 0)
			return initiate();
		word.store(1, rl::mo_relaxed, $);
		rl::atomic_thread_fence(rl::mo_seq_cst, $);
		touch(present.load(rl::mo_relaxed, $));
	}
};

struct flag_after_flush : rl::test_suite<flag_after_flush, 2>, purge {
	void before()
	{
		begin();
	}

	void thread(unsigned index)
	{
		if (index == 0)
			return initiate();
		rl::atomic_thread_fence(rl::mo_seq_cst, $);
		int tlb = present.load(rl::mo_relaxed, $);
		word.store(1, rl::mo_relaxed, $);
		touch(tlb);
	}
};

/* The TLB has held the old translation from before; only a flush makes it look again. */
struct generation : rl::test_suite<generation, 2>, purge {
	void before()
	{
		begin();
	}

	void thread(unsigned index)
	{
		int tlb = 1;

		if (index == 0)
			return initiate();
		word.exchange(1, rl::mo_seq_cst, $);
		rl::atomic_thread_fence(rl::mo_seq_cst, $);
		if (counter.load(rl::mo_acquire, $) != 0)
			tlb = present.load(rl::mo_relaxed, $);
		touch(tlb);
	}
};

struct plain_store : rl::test_suite<plain_store, 2>, purge {
	void before()
	{
		begin();
	}

	void thread(unsigned index)
	{
		int tlb = 1;

		if (index == 0)
			return initiate();
		word.store(1, rl::mo_relaxed, $);
		if (counter.load(rl::mo_acquire, $) != 0)
			tlb = present.load(rl::mo_relaxed, $);
		touch(tlb);
	}
};

template <typename Test> static void search(const char *name)
{
	rl::test_params params;

	params.search_type = rl::sched_full;
	params.output_stream = &std::cerr;
	bool clean = rl::simulate<Test>(params);
	std::printf("%-12s %-6s %8llu interleavings\n", name, clean ? "clean" : "stale",
		    (unsigned long long)params.stop_iteration);
}

int main()
{
	search<cr3_flag>("cr3-flag");
	search<flag_after_flush>("N7");
	search<generation>("generation");
	search<plain_store>("plain-store");
	return 0;
}
