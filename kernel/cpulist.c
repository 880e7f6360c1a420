/* SPDX-License-Identifier: MIT */
/*
 * Lists of CPUs. One walk over the items serves the check of the form alone (NR_CPUS 0: N has no
 * value yet, and the limit is the kernel's own) and the making of the set.
 */
#include "kernel/cpulist.h"

#include "arch/x86_64/string.h"
#include "kernel/parse.h"

struct list {
	const char *text;
	size_t len;
	u32 nr_cpus; /* 0: only the form is of interest */
	struct cpumask *out;
	struct text err;
};

/* Begins the error text for an item: which list, which item. */
static void blame(struct list *list, const char *item, size_t len)
{
	text_add(&list->err, "CPU list ");
	text_add_input(&list->err, list->text, list->len);
	text_add(&list->err, ": '");
	text_add_input(&list->err, item, len);
	text_add(&list->err, "' ");
}

/* One end of a range. *known is false if it is N and N has no value yet. */
static bool parse_cpu(struct list *list, const char *text, size_t len, u32 *cpu, bool *known)
{
	u32 limit = list->nr_cpus ? list->nr_cpus : MAX_CPUS;
	u64 number = 0;

	*known = true;
	if (len == 1 && text[0] == 'N') {
		*known = list->nr_cpus != 0;
		*cpu = limit - 1;
		return true;
	}
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9') {
			blame(list, text, len);
			text_add(&list->err, "is no CPU; valid: a number, or N for the last CPU");
			return false;
		}
		/* Held at the limit, which no CPU reaches: a longer number cannot wrap. */
		number = min(number * 10 + (u64)(text[i] - '0'), (u64)limit);
	}
	if (len == 0) {
		blame(list, text, len);
		text_add(&list->err, "is empty; valid: numbers and ranges such as 1,4-6,8-N");
		return false;
	}
	if (number >= limit) {
		blame(list, text, len);
		if (limit == 1)
			text_add(&list->err, "is not there; the only CPU is 0");
		else
			text_add(&list->err, "is not there; CPUs are 0-%u", limit - 1);
		return false;
	}
	*cpu = (u32)number;
	return true;
}

static bool parse_item(struct list *list, const char *item, size_t len)
{
	size_t first_len = 0;
	bool first_known, last_known;
	u32 first, last;

	while (first_len < len && item[first_len] != '-')
		first_len++;
	if (!parse_cpu(list, item, first_len, &first, &first_known))
		return false;
	last = first;
	last_known = first_known;
	if (first_len < len &&
	    !parse_cpu(list, item + first_len + 1, len - first_len - 1, &last, &last_known))
		return false;
	if (first_known && last_known && first > last) {
		blame(list, item, len);
		text_add(&list->err, "runs backwards; valid: %u-%u", last, first);
		return false;
	}
	for (u32 cpu = first; list->nr_cpus && cpu <= last; cpu++)
		cpumask_set(list->out, cpu);
	return true;
}

static bool parse_list(struct list *list)
{
	size_t start = 0;

	for (size_t i = 0; i <= list->len; i++) {
		if (i < list->len && list->text[i] != ',')
			continue;
		if (!parse_item(list, list->text + start, i - start))
			return false;
		start = i + 1;
	}
	return true;
}

bool cpulist_check(const char *text, size_t len, char *err, size_t errlen)
{
	struct list list = {text, len, 0, NULL, text_in(err, errlen)};

	return parse_list(&list);
}

bool cpulist_parse(const char *text, size_t len, u32 nr_cpus, struct cpumask *out, char *err,
		   size_t errlen)
{
	struct list list = {text, len, nr_cpus, out, text_in(err, errlen)};

	memset(out, 0, sizeof(*out));
	return parse_list(&list);
}

/* Begins the error text of nohz_full_resolve(). */
static struct text refuse(const char *text, char *err, size_t errlen)
{
	struct text error = text_in(err, errlen);

	text_add(&error, "nohz_full=");
	text_add_input(&error, text, strlen(text));
	return error;
}

bool nohz_full_resolve(const char *text, u32 nr_cpus, struct cpumask *out, char *err, size_t errlen)
{
	struct list list = {.text = text, .len = strlen(text), .nr_cpus = nr_cpus, .out = out};
	struct text error = text_in(err, errlen);

	memset(out, 0, sizeof(*out));
	if (!text[0]) {
		for (u32 cpu = nr_cpus - nr_cpus / 2; cpu < nr_cpus; cpu++)
			cpumask_set(out, cpu);
		return true;
	}
	if (nr_cpus == 1) {
		error = refuse(text, err, errlen);
		text_add(&error, ": the only CPU cannot be isolated; valid: no nohz_full= at all");
		return false;
	}
	list.err = text_in(err, errlen);
	text_add(&list.err, "nohz_full=: ");
	if (!parse_list(&list))
		return false;
	error = text_in(err, errlen);
	if (!cpumask_test(out, 0))
		return true;
	error = refuse(text, err, errlen);
	if (cpumask_weight(out) == nr_cpus)
		text_add(&error, ": not every CPU can be isolated, CPU 0 must stay out");
	else
		text_add(&error, ": CPU 0 is the boot CPU, which cannot be isolated");
	text_add(&error, nr_cpus == 2 ? "; valid: 1" : "; valid: CPUs out of 1-%u", nr_cpus - 1);
	return false;
}
