/* SPDX-License-Identifier: MIT */
/*
 * Experiments that measure, see exp.h.
 */
#include "kernel/exp.h"

#include "arch/x86_64/breaks.h"
#include "arch/x86_64/cpumask.h"
#include "arch/x86_64/log.h"
#include "kernel/console.h"
#include "kernel/document.h"
#include "kernel/format.h"
#include "kernel/report.h"
#include "kernel/report_json.h"
#include "kernel/result_words.h"

/* A record is one line of text. */
#define LINE_DEPTH 2

bool exp_begin(struct exp *e, const char *name, const struct setup *setup,
	       enum policy_default unnamed, char *err, size_t errlen)
{
	const struct options *options = setup->options;

	*e = (struct exp){.name = name, .setup = setup};
	e->nr_rows = policy_rows(options, policies_of(options),
				 options->defect[0] ? DEFAULT_ALL : unnamed, e->rows, err, errlen);
	if (!e->nr_rows)
		return false;
	if (!cpumask_weight(&isolated_cpus)) {
		snprintf(err, errlen, "run=%s needs 2 CPUs or more, one of them isolated", name);
		return false;
	}
	report_print_head(&setup->machine, &setup->parameters, console_write);
	json_begin(&e->json, document_write, LINE_DEPTH);
	json_object_begin(&e->json, NULL);
	report_json_head(&e->json, &setup->machine, &setup->parameters);
	json_string(&e->json, "experiment", name);
	json_array_begin(&e->json, "records");
	return true;
}

u32 exp_roots(const struct policy_row *row)
{
	return row->mode.roots == ROOTS_TWO ? 2 : 1;
}

const char *exp_roots_text(const struct policy_row *row)
{
	return exp_roots(row) == 2 ? "two roots" : "one root";
}

bool exp_can_run(struct exp *e, u32 i)
{
	const struct policy_row *row = &e->rows[i];
	const char *missing = row->policy->missing ? row->policy->missing() : NULL;

	if (missing) {
		pr_info("%s: %s: skipped: %s", e->name, row->policy->name, missing);
		return false;
	}
	pr_info("%s: %u of %u: %s, %s", e->name, i + 1, e->nr_rows, row->policy->name,
		exp_roots_text(row));
	return true;
}

void exp_progress(const struct exp *e, u64 done, u64 total)
{
	u64 step = (total + 3) / 4;

	if (done && done < total && done % step == 0)
		pr_info("%s: %lu of %lu", e->name, done, total);
}

struct json *exp_record(struct exp *e, const char *kind, const struct policy_row *row)
{
	json_object_begin(&e->json, NULL);
	json_string(&e->json, "record", kind);
	if (row) {
		json_string(&e->json, "policy", row->policy->name);
		json_u64(&e->json, "roots", exp_roots(row));
	}
	e->records++;
	return &e->json;
}

void exp_record_end(struct exp *e)
{
	json_object_end(&e->json);
}

void exp_fail(struct exp *e, const char *fmt, ...)
{
	va_list list;

	va_start(list, fmt);
	if (!e->failed)
		vsnprintf(e->reason, sizeof(e->reason), fmt, list);
	va_end(list);
	e->failed = true;
}

void exp_error(struct exp *e, const char *fmt, ...)
{
	va_list list;

	va_start(list, fmt);
	if (!e->failed && !e->wrong)
		vsnprintf(e->reason, sizeof(e->reason), fmt, list);
	va_end(list);
	e->wrong = true;
}

enum ending exp_end(struct exp *e)
{
	enum verdict verdict;
	const char *error;

	if (!e->records)
		exp_error(e, "nothing was measured");
	if ((broken || e->setup->options->defect[0]) && !e->failed)
		exp_error(e, "%s: not seen by run=%s", e->setup->parameters.broken, e->name);
	verdict = e->failed ? VERDICT_FAIL : e->wrong ? VERDICT_ERROR : VERDICT_PASS;
	json_array_end(&e->json);
	json_string(&e->json, "verdict", run_verdict_word(verdict));
	json_string(&e->json, "reason", e->reason);
	json_object_end(&e->json);
	error = json_finish(&e->json);
	if (error)
		panic("JSON document: %s", error);
	if (e->reason[0])
		report_line(console_write, "%s: %s", e->name, e->reason);
	report_line(console_write, "verdict: %s (%lu records)", run_verdict_word(verdict),
		    e->records);
	return verdict == VERDICT_PASS ? END_PASS : verdict == VERDICT_FAIL ? END_FAIL : END_ERROR;
}
