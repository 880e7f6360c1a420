/* SPDX-License-Identifier: MIT */
/*
 * The frame allocator. What must hold: a frame is in one hand at a time; who frees a frame that is
 * free or never was ours is stopped at once.
 *
 * Which frame is handed out? There are two kinds of owners. Data, what vmalloc() maps, gets the
 * frame freed last, from a ring of the newest 1024; else one of the upper half of memory. Reuse at
 * once is wanted there: a frame that vfree() gave back is under its next owner's data by the next
 * allocation, so a CPU that reads it through a stale translation reads wrong data now, and a test
 * sees it. An allocator that lets freed frames rest would hide just what this kernel looks for.
 *
 * The kernel's own structures, tables and stacks, get the lowest frame, and none that was data's
 * for as long as there is another: what a broken policy writes through a stale translation is to
 * meet the storm's tagged pages, not the books by which the policy is judged. Lowest first also
 * keeps the boot's first tables within the part of the direct map that the boot code has made.
 */
#include "mm/frames.h"

#include "arch/x86_64/direct_map.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/log.h"
#include "arch/x86_64/spinlock.h"
#include "arch/x86_64/string.h"
#include "mm/frame_bitmap.h"
#include "mm/frame_ranges.h"

#define LOW_FRAMES (MIB(1) / PAGE_SIZE) /* kept for real-mode code for as long as possible */
#define RECENT	   1024

static struct {
	spinlock_t lock;
	struct frame_bitmap map;
	struct frame_ranges ours; /* constant after frames_init() */
	u64 total, free;
	u64 lowest;	    /* no frame in [LOW_FRAMES, lowest) is free */
	u64 data_from;	    /* the upper half of memory begins here */
	u64 lowest_data;    /* no frame in [data_from, lowest_data) is free */
	u64 recent[RECENT]; /* ring of data frames freed; one may have been taken otherwise since */
	u64 recent_top;	    /* entries ever pushed minus entries popped: index of the next */
	u64 recent_depth;
} frames = {.lock = SPINLOCK_INIT};

static void take(u64 first, u64 count)
{
	frame_bitmap_set_used(&frames.map, first, count);
	frames.free -= count;
}

static u64 take_recent(void)
{
	while (frames.recent_depth) {
		u64 frame = frames.recent[--frames.recent_top % RECENT];

		frames.recent_depth--;
		if (frame_bitmap_is_free(&frames.map, frame)) {
			take(frame, 1);
			return frame;
		}
	}
	return 0;
}

static u64 take_lowest(u64 first, u64 end)
{
	u64 frame = frame_bitmap_next_free(&frames.map, first, end);

	if (frame >= min(end, frames.map.frames))
		return 0;
	take(frame, 1);
	return frame;
}

/* From *LOWEST on, below which none is free, and then below 1 MiB. */
static u64 take_from(u64 *lowest)
{
	u64 frame = take_lowest(*lowest, frames.map.frames);

	*lowest = frame ? frame + 1 : frames.map.frames;
	return frame;
}

static u64 take_any(void)
{
	u64 frame = take_from(&frames.lowest);

	return frame ? frame : take_lowest(0, LOW_FRAMES);
}

phys_addr_t frame_alloc(void)
{
	u64 frame;

	spin_lock(&frames.lock);
	frame = take_any();
	spin_unlock(&frames.lock);
	return frame * PAGE_SIZE;
}

phys_addr_t frame_alloc_data(void)
{
	u64 frame;

	spin_lock(&frames.lock);
	frame = take_recent();
	if (!frame)
		frame = take_from(&frames.lowest_data);
	if (!frame)
		frame = take_any();
	spin_unlock(&frames.lock);
	return frame * PAGE_SIZE;
}

phys_addr_t frame_alloc_zeroed(void)
{
	phys_addr_t frame = frame_alloc();

	if (frame)
		memset(phys_to_virt(frame), 0, PAGE_SIZE);
	return frame;
}

phys_addr_t frame_alloc_low(phys_addr_t limit)
{
	u64 frame;

	spin_lock(&frames.lock);
	frame = take_lowest(0, limit / PAGE_SIZE);
	spin_unlock(&frames.lock);
	return frame * PAGE_SIZE;
}

phys_addr_t frame_alloc_block(size_t count, u64 align)
{
	u64 step = align / PAGE_SIZE;
	u64 end = frames.map.frames;
	u64 first = LOW_FRAMES;

	BUG_ON(!step || (align & (align - 1)));
	if (!count || count > end)
		return 0;
	spin_lock(&frames.lock);
	for (;;) {
		u64 used;

		first = ALIGN_UP(frame_bitmap_next_free(&frames.map, first, end), step);
		if (first > end - count) {
			first = 0;
			break;
		}
		used = frame_bitmap_next_used(&frames.map, first, first + count);
		if (used == first + count) {
			take(first, count);
			break;
		}
		first = used;
	}
	spin_unlock(&frames.lock);
	return first * PAGE_SIZE;
}

static const char *free_one(u64 frame)
{
	if (!frame_ranges_contain(&frames.ours, frame))
		return "foreign frame, not RAM that frames_init() took";
	if (frame_bitmap_is_free(&frames.map, frame))
		return "double free";
	frame_bitmap_set_free(&frames.map, frame, 1);
	frames.free++;
	if (frame < LOW_FRAMES)
		return NULL;
	frames.lowest = min(frames.lowest, frame);
	if (frame < frames.data_from)
		return NULL;
	frames.lowest_data = min(frames.lowest_data, frame);
	frames.recent[frames.recent_top++ % RECENT] = frame;
	frames.recent_depth = min(frames.recent_depth + 1, (u64)RECENT);
	return NULL;
}

void frame_free_block(phys_addr_t first, size_t count)
{
	const char *wrong = NULL;
	phys_addr_t frame = first;

	if (!IS_ALIGNED(first, PAGE_SIZE))
		panic("freeing frame %lx: not the address of a frame", first);
	spin_lock(&frames.lock);
	for (; count && !wrong; count--, frame += PAGE_SIZE)
		wrong = free_one(frame / PAGE_SIZE);
	spin_unlock(&frames.lock);
	if (wrong)
		panic("freeing frame %lx: %s", frame - PAGE_SIZE, wrong);
}

void frame_free(phys_addr_t frame)
{
	frame_free_block(frame, 1);
}

struct frame_counts frame_counts(void)
{
	struct frame_counts counts;

	spin_lock(&frames.lock);
	counts = (struct frame_counts){.total = frames.total, .free = frames.free};
	spin_unlock(&frames.lock);
	return counts;
}

/* --- Taking over the machine's memory --- */

static char error_text[120];

/* Appends TEXT, or VALUE where TEXT is NULL, to error_text. */
static void append(const char *text, u64 value)
{
	char digits[21];
	char *at = digits + sizeof(digits) - 1;
	size_t used = strlen(error_text);

	*at = '\0';
	if (!text) {
		do
			*--at = (char)('0' + value % 10);
		while (value /= 10);
		text = at;
	}
	if (used + strlen(text) < sizeof(error_text))
		memcpy(error_text + used, text, strlen(text) + 1);
}

static const char *error_with_sizes(const char *before, u64 first, const char *between, u64 second,
				    const char *after)
{
	error_text[0] = '\0';
	append(before, 0);
	append(NULL, first);
	append(between, 0);
	append(NULL, second);
	append(after, 0);
	return error_text;
}

/* Bytes to frames, a reservation touching a frame takes it whole. */
static void reserve(const struct frame_range *range)
{
	if (range->end > range->start)
		frame_ranges_remove(&frames.ours, range->start / PAGE_SIZE,
				    (range->end - 1) / PAGE_SIZE + 1);
}

static void drop_beyond_direct_map(void)
{
	u64 before = frame_ranges_count(&frames.ours);

	frame_ranges_remove(&frames.ours, DIRECT_MAP_SIZE / PAGE_SIZE, ~0UL);
	if (frame_ranges_count(&frames.ours) != before)
		pr_warn("memory: %lu MiB of RAM above the direct map's %lu TiB are not used",
			(before - frame_ranges_count(&frames.ours)) >> 8, DIRECT_MAP_SIZE >> 40);
}

static u64 middle_of_memory(void)
{
	u64 below = frame_ranges_count(&frames.ours) / 2;
	const struct frame_range *range = frames.ours.range;

	while (range->end - range->start <= below) {
		below -= range->end - range->start;
		range++;
	}
	return range->start + below;
}

const char *frames_init(const struct frame_range *ram, unsigned int nr_ram,
			const struct frame_range *reserved, unsigned int nr_reserved,
			phys_addr_t reach)
{
	const struct frame_range *ours = frames.ours.range;
	u64 bytes, pages, place, last;
	unsigned int i;

	if (nr_ram > FRAMES_MAX_RAM)
		return error_with_sizes("memory map: ", nr_ram, " ranges of RAM, at most ",
					FRAMES_MAX_RAM, " are possible");
	if (nr_reserved > FRAMES_MAX_RESERVED)
		return error_with_sizes("memory map: ", nr_reserved, " reservations, at most ",
					FRAMES_MAX_RESERVED, " are possible");
	frame_ranges_init(&frames.ours, ram, nr_ram);
	frame_ranges_remove(&frames.ours, 0, 1);
	for (i = 0; i < nr_reserved; i++)
		reserve(&reserved[i]);
	drop_beyond_direct_map();
	if (frame_ranges_count(&frames.ours) < FRAMES_MINIMUM / PAGE_SIZE)
		return error_with_sizes("memory: ", frame_ranges_count(&frames.ours) * 4,
					" KiB are usable, at least ", FRAMES_MINIMUM / 1024,
					" KiB are needed");

	last = ours[frames.ours.nr - 1].end;
	bytes = frame_bitmap_bytes(last);
	pages = ALIGN_UP(bytes, PAGE_SIZE) / PAGE_SIZE;
	place = frame_ranges_find(&frames.ours, pages, LOW_FRAMES, reach / PAGE_SIZE);
	if (place == ~0UL)
		return error_with_sizes("memory: no room for a frame bitmap of ", bytes,
					" bytes between 1 MiB and ", reach >> 20, " MiB");
	frame_bitmap_init(&frames.map, phys_to_virt(place * PAGE_SIZE), last);
	frame_ranges_remove(&frames.ours, place, place + pages);
	for (i = 0; i < frames.ours.nr; i++)
		frame_bitmap_set_free(&frames.map, ours[i].start, ours[i].end - ours[i].start);
	frames.total = frames.free = frame_ranges_count(&frames.ours);
	frames.lowest = LOW_FRAMES;
	frames.data_from = frames.lowest_data = middle_of_memory();
	frames.recent_depth = 0;
	return NULL;
}
