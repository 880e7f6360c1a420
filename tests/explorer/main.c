/* SPDX-License-Identifier: MIT */
/*
 * explore: explores the policies it is linked with. See usage().
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/explorer/eager.h"
#include "tests/explorer/explored.h"
#include "tests/explorer/explorer.h"
#include "tests/explorer/report.h"
#include "tests/explorer/schedule.h"

const struct bounds *bounds_now;
bool ask_by_targets;

static const struct bounds all_bounds[] = {
	{"a", "1 initiator, 2 purges; 1 target, 2 visits; 2 NMIs and a #MC or #DB, nested",
	 .initiators = 1, .purges = 2, .targets = 1, .visits = 2, .nmis = 2, .mcs = 1},
	{"b", "2 initiators, a purge each; 1 target, 2 visits; 1 NMI", .initiators = 2, .purges = 1,
	 .targets = 1, .visits = 2, .nmis = 1},
	{"c", "1 initiator, 2 purges; 2 targets, 2 visits each", .initiators = 1, .purges = 2,
	 .targets = 2, .visits = 2},
	{"d", "1 initiator, 4 purges; 1 target, 2 visits: lists run full, rings wrap",
	 .initiators = 1, .purges = 4, .targets = 1, .visits = 2},
	{"t", "1 initiator, 2 purges, of page tables too; 1 target, 1 visit; 1 NMI, 1 #MC",
	 .initiators = 1, .purges = 2, .targets = 1, .visits = 1, .nmis = 1, .mcs = 1,
	 .tables = true},
	{"u", "1 initiator, 1 purge; a CPU in the kernel that does not track its context",
	 .initiators = 1, .purges = 1, .bystander = true},
	{"s", "1 initiator, 3 purges; 1 target, 2 visits; 1 NMI; one after the other, for costs",
	 .initiators = 1, .purges = 3, .targets = 1, .visits = 2, .nmis = 1, .sequential = true},
	{"m", "1 initiator, 2 purges; 1 target, 2 visits: small", .initiators = 1, .purges = 2,
	 .targets = 1, .visits = 2},
	{"v", "2 initiators, a purge each; 1 target, 1 visit: few enough for -f", .initiators = 2,
	 .purges = 1, .targets = 1, .visits = 1},
	{"T", "as t, but the flush of a page table is deferred: a control, R1", .initiators = 1,
	 .purges = 2, .targets = 1, .visits = 1, .tables = true, .tables_deferred = true},
	{0},
};

/* What is explored if nothing is named: all but the small ones, those for costs and the control. */
#define DEFAULT_BOUNDS "abcdtu"

void explorer_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("explore: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(2);
}

static void usage(FILE *out)
{
	fputs("explore: every interleaving of a policy's hooks, within bounds\n"
	      "  -p NAME    this policy; N1 .. N9: that defect in its base (all policies)\n"
	      "  -r 1|2     with so many roots (both, as the policy can)\n"
	      "  -b LETTERS these bounds (" DEFAULT_BOUNDS "):\n",
	      out);
	for (const struct bounds *b = all_bounds; b->name; b++)
		fprintf(out, "               %s  %s\n", b->name, b->text);
	fputs("  -n STATES  no more than this; then the exploration is incomplete (200000000)\n"
	      "  -j FILE    results as JSON\n"
	      "  -s TEXT    carries out one schedule and tells it: with -p, -r and one -b\n"
	      "  -e         ends at the first finding that no claim covers\n"
	      "  -m         a purge asks once, for all CPUs, by the policy's targets(), if it has "
	      "that\n"
	      "  -f         in full: every step is interleaved, see tests/explorer/eager.c\n"
	      "  -v         tells the schedule of each finding\n"
	      "  -l         lists the policies, each with the numbers of roots that it can have\n"
	      "exit: 0 findings are the claims, 4 incomplete, 5 they differ; 2 bad use\n",
	      out);
}

static const struct bounds *bounds_named(char letter)
{
	for (const struct bounds *b = all_bounds; b->name; b++)
		if (*b->name == letter)
			return b;
	explorer_fail("-b %c: no such bounds; valid: " DEFAULT_BOUNDS "msvT", letter);
}

static const struct flush_policy *policy_named(const char *name)
{
	const struct flush_policy *policy = explored_find(name);

	if (!policy)
		explorer_fail("-p %s: no policy has that name; -l lists them", name);
	return policy;
}

static void list_policies(void)
{
	for (u32 i = 0; i < nr_explored; i++)
		printf("%s%s%s\n", explored[i]->name, explored[i]->roots & ROOTS_ONE ? " 1" : "",
		       explored[i]->roots & ROOTS_TWO ? " 2" : "");
}

static u64 number(const char *option, const char *text, u64 least, u64 most)
{
	char *end;
	u64 value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value < least || value > most)
		explorer_fail("%s %s: valid: %lu to %lu", option, text, least, most);
	return value;
}

struct request {
	const struct flush_policy *policy;
	u32 roots; /* 0: both */
	const char *bounds;
	u64 limit;
	const char *schedule;
	const char *json;
	bool tell, early;
};

static int carry_out(const struct request *r)
{
	u8 actions[MAX_SCHEDULE];
	u32 nr;

	if (!r->policy || !r->roots || strlen(r->bounds) != 1)
		explorer_fail("-s needs -p, -r and a -b of one letter");
	if (!schedule_parse(r->schedule, actions, &nr))
		explorer_fail("-s: pairs of a CPU and an action letter, as the findings print "
			      "them");
	bounds_now = bounds_named(*r->bounds);
	return report_schedule(r->policy, r->roots == 2, actions, nr);
}

static void explore_policy(struct report *report, const struct request *r,
			   const struct flush_policy *policy)
{
	bool exactly = !r->roots && strpbrk(r->bounds, "at") && strchr(r->bounds, 'u');

	for (u32 roots = 1; roots <= 2; roots++) {
		if (!(policy->roots & roots) || (r->roots && r->roots != roots))
			continue;
		for (const char *b = r->bounds; *b && !(r->early && report->unclaimed); b++) {
			bounds_now = bounds_named(*b);
			report_explore(report, policy, roots == 2, r->limit);
		}
	}
	report_policy(report, policy, exactly);
}

static int explore(const struct request *r)
{
	struct report report;

	report_begin(&report, r->json, r->tell, r->early);
	if (r->policy)
		explore_policy(&report, r, r->policy);
	for (u32 i = 0; !r->policy && i < nr_explored; i++)
		explore_policy(&report, r, explored[i]);
	return report_end(&report);
}

int main(int argc, char **argv)
{
	struct request r = {.bounds = DEFAULT_BOUNDS, .limit = 200000000};
	int option;

	explored_init();
	while ((option = getopt(argc, argv, "p:r:b:n:j:s:efmvlh")) != -1) {
		switch (option) {
		case 'p':
			r.policy = policy_named(optarg);
			break;
		case 'r':
			r.roots = (u32)number("-r", optarg, 1, 2);
			break;
		case 'b':
			for (const char *b = r.bounds = optarg; *b; b++)
				bounds_named(*b);
			break;
		case 'n':
			r.limit = number("-n", optarg, 1, 4000000000);
			break;
		case 'j':
			r.json = optarg;
			break;
		case 's':
			r.schedule = optarg;
			break;
		case 'e':
			r.early = true;
			break;
		case 'f':
			eager_steps = false;
			break;
		case 'm':
			ask_by_targets = true;
			break;
		case 'v':
			r.tell = true;
			break;
		case 'l':
			list_policies();
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind != argc)
		explorer_fail("%s: not an option; -h lists them", argv[optind]);
	return r.schedule ? carry_out(&r) : explore(&r);
}
