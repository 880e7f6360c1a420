/* SPDX-License-Identifier: MIT */
/*
 * crusty: reads a page over and over without entering the kernel, after its translation has been
 * changed and nobody has flushed, until it reads something else or has looked often enough. Between
 * two looks it reads as many other pages as it was told, to push the old translation out.
 */
#include "user/crusty.h"

#include "user/lib.h"

static u64 load(u64 va)
{
	return *(const volatile u64 *)va;
}

static void one_round(volatile struct crusty_page *page, u64 round)
{
	u64 pressure = page->pressure;
	u64 limit = page->limit;
	u64 old = load(CRUSTY_DATA_VA);
	u64 turns = 0;
	u64 start, now;

	page->warmed = round;
	while (page->changed != round)
		pause();
	start = rdtsc();
	do {
		for (u64 i = 0; i < pressure; i++)
			load(CRUSTY_OTHERS_VA + i * 4096);
		now = load(CRUSTY_DATA_VA);
		turns++;
	} while (now == old && turns < limit);
	page->ticks = rdtsc() - start;
	page->turns = turns;
	page->survived = now == old;
	page->done = round;
}

u64 program(u64 arg)
{
	volatile struct crusty_page *page = (volatile struct crusty_page *)CRUSTY_PAGE_VA;
	u64 round = 0;

	(void)arg;
	while (!page->stop) {
		if (page->round == round) {
			pause();
			continue;
		}
		round = page->round;
		one_round(page, round);
	}
	return 0;
}
