/* SPDX-License-Identifier: MIT */
/*
 * What must hold: ranges are sorted, not empty, and neither touch nor overlap.
 */
#include "mm/frame_ranges.h"

#include "arch/x86_64/log.h"
#include "arch/x86_64/string.h"

static void insert_at(struct frame_ranges *set, unsigned int i, u64 start, u64 end)
{
	BUG_ON(set->nr == FRAME_RANGES_MAX);
	memmove(&set->range[i + 1], &set->range[i], (set->nr - i) * sizeof(set->range[0]));
	set->range[i] = (struct frame_range){start, end};
	set->nr++;
}

static void delete_at(struct frame_ranges *set, unsigned int i)
{
	set->nr--;
	memmove(&set->range[i], &set->range[i + 1], (set->nr - i) * sizeof(set->range[0]));
}

static void join_touching(struct frame_ranges *set)
{
	unsigned int i = 1;

	while (i < set->nr) {
		if (set->range[i].start > set->range[i - 1].end) {
			i++;
			continue;
		}
		set->range[i - 1].end = max(set->range[i - 1].end, set->range[i].end);
		delete_at(set, i);
	}
}

void frame_ranges_init(struct frame_ranges *set, const struct frame_range *ram, unsigned int nr)
{
	unsigned int i, place;

	set->nr = 0;
	for (i = 0; i < nr; i++) {
		if (ram[i].end <= ram[i].start)
			continue;
		for (place = set->nr; place && set->range[place - 1].start > ram[i].start; place--)
			continue;
		insert_at(set, place, ram[i].start, ram[i].end);
	}
	join_touching(set);
	/* From bytes to frames only now: two ranges may share one whole frame of RAM. */
	for (i = 0; i < set->nr;) {
		struct frame_range *r = &set->range[i];

		r->start = r->start / PAGE_SIZE + (r->start % PAGE_SIZE != 0);
		r->end /= PAGE_SIZE;
		if (r->start < r->end)
			i++;
		else
			delete_at(set, i);
	}
}

void frame_ranges_remove(struct frame_ranges *set, u64 first, u64 end)
{
	unsigned int i = 0;

	if (first >= end)
		return;
	while (i < set->nr) {
		struct frame_range *r = &set->range[i];

		if (r->end <= first || r->start >= end) {
			i++;
		} else if (r->start < first && r->end > end) {
			u64 tail = r->end;

			r->end = first;
			insert_at(set, i + 1, end, tail);
			return;
		} else if (r->start < first) {
			r->end = first;
		} else if (r->end > end) {
			r->start = end;
		} else {
			delete_at(set, i);
		}
	}
}

bool frame_ranges_contain(const struct frame_ranges *set, u64 frame)
{
	unsigned int low = 0, high = set->nr;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (frame >= set->range[middle].end)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set->nr && frame >= set->range[low].start;
}

u64 frame_ranges_count(const struct frame_ranges *set)
{
	u64 count = 0;
	unsigned int i;

	for (i = 0; i < set->nr; i++)
		count += set->range[i].end - set->range[i].start;
	return count;
}

u64 frame_ranges_find(const struct frame_ranges *set, u64 count, u64 from, u64 end)
{
	unsigned int i;

	for (i = 0; i < set->nr; i++) {
		u64 start = max(set->range[i].start, from);
		u64 stop = min(set->range[i].end, end);

		if (start < stop && stop - start >= count)
			return start;
	}
	return ~0UL;
}
