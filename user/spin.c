/* SPDX-License-Identifier: MIT */
/*
 * spin: what an isolated CPU is for. It stays in ring 3, reads the time stamp counter and its CPU's
 * entry counts over and over, and notes every gap with its cause: which door of the kernel was
 * used, or none of them (the machine itself: SMI, hypervisor, emulator). It enters once at the
 * start (the canary is warmed) and once when told to finish (its exit).
 *
 * Entries are looked for at every turn, the time at every tsc_every-th: reading it is what slows
 * QEMU's TCG down most, and times mean nothing there. On a real machine tsc_every is 1.
 */
#include "user/lib.h"

/* Iterations without any gap that the threshold is taken from, and its factor. */
#define CALIBRATION	 1000
#define THRESHOLD_FACTOR 50

static struct spin_report report;

struct view {
	u64 entries;
	u64 causes[ENTRY_CAUSES];
};

/* The user page as it was at one moment: an entry while it is copied starts the copy again. */
static struct view look(void)
{
	struct view view;

	do {
		view.entries = USER_PAGE->entries;
		for (u32 cause = 0; cause < ENTRY_CAUSES; cause++)
			view.causes[cause] = USER_PAGE->causes[cause];
	} while (USER_PAGE->entries != view.entries);
	return view;
}

static void note(struct spin_gaps *gaps, u64 ticks)
{
	gaps->count++;
	if (ticks > gaps->largest)
		gaps->largest = ticks;
}

/* Each entry must have a cause, counted by its door's handler before ring 3 went on. */
static void note_entries(const struct view *before, const struct view *now, u64 ticks)
{
	u64 unexplained = now->entries - before->entries;

	report.entries += unexplained;
	for (u32 cause = 0; cause < ENTRY_CAUSES; cause++) {
		u64 times = now->causes[cause] - before->causes[cause];

		if (times == 0)
			continue;
		note(&report.by_cause[cause], ticks);
		report.by_cause[cause].count += times - 1;
		unexplained -= times < unexplained ? times : unexplained;
	}
	report.unexplained += unexplained;
}

static void count_sample(u64 ticks)
{
	u32 bucket = ticks ? 63 - (u32)__builtin_clzl(ticks) : 0;

	report.buckets[bucket < SPIN_BUCKETS ? bucket : SPIN_BUCKETS - 1]++;
}

static u64 calibrate(void)
{
	u64 shortest = ~0UL;
	u64 last = rdtsc();

	for (u32 i = 0; i < CALIBRATION; i++) {
		u64 now = rdtsc();

		if (now - last < shortest)
			shortest = now - last;
		last = now;
	}
	return (shortest ? shortest : 1) * THRESHOLD_FACTOR;
}

/*
 * The counts that the loop starts from are those before the probe, plus the probe itself: whatever
 * happens to this CPU after the kernel has seen its probe is seen here.
 */
u64 program(u64 arg)
{
	struct view before = look();
	u64 turns = 0;
	u64 last, start;
	bool finish;

	(void)arg;
	report.threshold = calibrate() * STORM_PAGE->tsc_every;
	before.entries++;
	before.causes[CAUSE_SYSCALL]++;
	syscall3(SYS_PROBE, 0, 0, 0);
	last = start = rdtsc();
	do {
		bool entered = USER_PAGE->entries != before.entries;
		u64 now;

		finish = STORM_PAGE->command == STORM_FINISH;
		if (!entered && !finish && ++turns < STORM_PAGE->tsc_every)
			continue;
		turns = 0;
		now = rdtsc();
		report.samples++;
		count_sample(now - last);
		if (USER_PAGE->entries != before.entries) {
			struct view view = look();

			note_entries(&before, &view, now - last);
			report.noise += now - last;
			before = view;
		} else if (now - last > report.threshold) {
			note(&report.machine, now - last);
			report.noise += now - last;
		}
		last = now;
	} while (!finish);
	report.runtime = last - start;
	exit_with_report(0, &report, sizeof(report));
}
