/* SPDX-License-Identifier: MIT */
/*
 * trace=: first the events, then the sizes, each once.
 */
#include "kernel/trace_opt.h"

#include "arch/x86_64/string.h"
#include "arch/x86_64/trace.h"

static const char *const names[] = {"purge", "ask", "ipi", "entry", "drain", "all", NULL};
static const u32 groups[] = {TRACE_G_PURGE, TRACE_G_ASK,   TRACE_G_IPI,
			     TRACE_G_ENTRY, TRACE_G_DRAIN, TRACE_G_ALL};

static bool refuse(struct text *err, const char *word, size_t len, const char *what)
{
	text_add(err, "trace=: ");
	text_add_input(err, word, len);
	text_add(err, ": %s", what);
	return false;
}

static bool add_event(struct trace_options *trace, const char *word, size_t len, struct text *err)
{
	int found = find_word(names, word, len);

	if (found < 0) {
		refuse(err, word, len, "no such event; valid: ");
		text_add_words(err, names);
		return false;
	}
	if (trace->groups & groups[found])
		return refuse(err, word, len, "named a second time; valid: each event once");
	trace->groups |= groups[found];
	return true;
}

static bool parse_events(struct trace_options *trace, const char *value, size_t len,
			 struct text *err)
{
	for (size_t start = 0, i = 0; i <= len; i++) {
		if (i < len && value[i] != '+')
			continue;
		if (!add_event(trace, value + start, i - start, err))
			return false;
		start = i + 1;
	}
	return true;
}

static bool parse_size(struct trace_options *trace, const char *word, size_t len, bool *seen,
		       struct text *err)
{
	static const char records[] = "records=", show[] = "show=";
	bool is_records = len >= strlen(records) && memcmp(word, records, strlen(records)) == 0;
	bool is_show = len >= strlen(show) && memcmp(word, show, strlen(show)) == 0;
	size_t name = is_records ? strlen(records) : strlen(show);
	u64 number;

	if (!is_records && !is_show)
		return refuse(err, word, len, "not known; valid: records=N, show=N");
	if (seen[is_show])
		return refuse(err, word, len, "given a second time; valid: once");
	seen[is_show] = true;
	if (!parse_u64(word + name, len - name, &number))
		number = ~0UL;
	if (is_show && number <= TRACE_SHOW_MOST) {
		trace->show = (u32)number;
		return true;
	}
	if (is_records && number >= TRACE_RECORDS_LEAST && number <= TRACE_RECORDS_MOST &&
	    (number & (number - 1)) == 0) {
		trace->records = (u32)number;
		return true;
	}
	return refuse(err, word, len,
		      is_show ? "bad value; valid: a number of 0 to 1024"
			      : "bad value; valid: a power of two of 16 to 1048576");
}

bool trace_option_parse(struct trace_options *trace, const char *value, size_t len,
			struct text *err)
{
	bool seen[2] = {false, false};
	bool first = true;

	*trace = (struct trace_options){.records = 4096, .show = 32};
	for (size_t start = 0, i = 0; i <= len; i++) {
		if (i < len && value[i] != ',')
			continue;
		if (first ? !parse_events(trace, value, i, err)
			  : !parse_size(trace, value + start, i - start, seen, err))
			return false;
		first = false;
		start = i + 1;
	}
	return true;
}
