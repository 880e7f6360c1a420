/* SPDX-License-Identifier: MIT */
/*
 * run=: experiment and parameters. Everything is copied, so that the command line need not stay.
 */
#include "kernel/run_spec.h"

#include "arch/x86_64/string.h"

static bool copy_bounded(char *dst, size_t max, const char *src, size_t len)
{
	if (len == 0 || len > max)
		return false;
	memcpy(dst, src, len);
	dst[len] = '\0';
	return true;
}

static bool parse_name(struct run_spec *run, const char *text, size_t len, words_t experiments,
		       struct text *err)
{
	if (copy_bounded(run->name, RUN_NAME_MAX, text, len) &&
	    (!experiments || find_word(experiments, text, len) >= 0))
		return true;
	text_add(err, "run=: no experiment '");
	text_add_input(err, text, len);
	text_add(err, "'; valid: ");
	if (experiments)
		text_add_words(err, experiments);
	else
		text_add(err, "a name of at most %d characters", RUN_NAME_MAX);
	return false;
}

static bool parse_arg(struct run_spec *run, const char *text, size_t len, struct text *err)
{
	size_t key_len = 0;
	u32 nr = run->nr_args;

	while (key_len < len && text[key_len] != '=')
		key_len++;
	if (nr == RUN_MAX_ARGS) {
		text_add(err, "run=: more than %d parameters, the first too many is '",
			 RUN_MAX_ARGS);
		text_add_input(err, text, len);
		text_add(err, "'; valid: %d", RUN_MAX_ARGS);
		return false;
	}
	if (key_len >= len || !copy_bounded(run->arg[nr].key, RUN_NAME_MAX, text, key_len) ||
	    !copy_bounded(run->arg[nr].value, RUN_VALUE_MAX, text + key_len + 1,
			  len - key_len - 1)) {
		text_add(err, "run=: bad parameter '");
		text_add_input(err, text, len);
		text_add(err, "'; valid: key=value of at most %d and %d characters", RUN_NAME_MAX,
			 RUN_VALUE_MAX);
		return false;
	}
	if (run_text(run, run->arg[nr].key)) {
		text_add(err, "run=: parameter '");
		text_add_input(err, text, key_len);
		text_add(err, "' is given twice; valid: once");
		return false;
	}
	run->nr_args++;
	return true;
}

bool run_spec_parse(struct run_spec *run, const char *text, size_t len, words_t experiments,
		    struct text *err)
{
	size_t start = 0;

	memset(run, 0, sizeof(*run));
	for (size_t i = 0; i <= len; i++) {
		if (i < len && text[i] != ',')
			continue;
		if (start == 0 ? !parse_name(run, text, i, experiments, err)
			       : !parse_arg(run, text + start, i - start, err))
			return false;
		start = i + 1;
	}
	return true;
}

const char *run_text(const struct run_spec *run, const char *key)
{
	for (u32 i = 0; i < run->nr_args; i++) {
		if (strcmp(run->arg[i].key, key) == 0)
			return run->arg[i].value;
	}
	return NULL;
}

bool run_only_knows(const struct run_spec *run, words_t known, char *err, size_t errlen)
{
	struct text text = text_in(err, errlen);

	for (u32 i = 0; i < run->nr_args; i++) {
		const char *key = run->arg[i].key;

		if (find_word(known, key, strlen(key)) >= 0)
			continue;
		text_add(&text, "run=%s: unknown parameter '", run->name);
		text_add_input(&text, key, strlen(key));
		text_add(&text, "'; valid: ");
		text_add_words(&text, known);
		return false;
	}
	return true;
}

/* Begins the error text for a value that is not valid. */
static struct text refuse(const struct run_spec *run, const char *key, const char *value, char *err,
			  size_t errlen)
{
	struct text text = text_in(err, errlen);

	text_add(&text, "run=%s: bad value in %s=", run->name, key);
	text_add_input(&text, value, strlen(value));
	text_add(&text, "; valid: ");
	return text;
}

bool run_u64(const struct run_spec *run, const char *key, u64 min, u64 max, u64 *value, char *err,
	     size_t errlen)
{
	const char *given = run_text(run, key);
	struct text text;
	u64 number;

	if (!given)
		return true;
	if (parse_u64(given, strlen(given), &number) && number >= min && number <= max) {
		*value = number;
		return true;
	}
	text = refuse(run, key, given, err, errlen);
	text_add(&text, "a number of %llu to %llu", (unsigned long long)min,
		 (unsigned long long)max);
	return false;
}

bool run_word(const struct run_spec *run, const char *key, words_t valid, u32 *index, char *err,
	      size_t errlen)
{
	const char *given = run_text(run, key);
	struct text text;
	int found;

	if (!given)
		return true;
	found = find_word(valid, given, strlen(given));
	if (found >= 0) {
		*index = (u32)found;
		return true;
	}
	text = refuse(run, key, given, err, errlen);
	text_add_words(&text, valid);
	return false;
}
