/* SPDX-License-Identifier: MIT */
/*
 * run=EXPERIMENT[,key=value...]: which experiment, and its parameters. The experiment asks for the
 * parameters that it knows; each question refuses a bad value with a text that names it and what
 * would be valid. Experiments call run_only_knows() first, so that no misspelt key is ignored.
 */
#pragma once

#include "kernel/parse.h"

#define RUN_MAX_ARGS  16
#define RUN_NAME_MAX  31 /* characters of the experiment's name and of a key */
#define RUN_VALUE_MAX 47

struct run_spec {
	char name[RUN_NAME_MAX + 1]; /* empty: no run= was given */
	struct {
		char key[RUN_NAME_MAX + 1];
		char value[RUN_VALUE_MAX + 1];
	} arg[RUN_MAX_ARGS];
	u32 nr_args;
};

/*
 * Takes run='s value apart, LEN characters at TEXT. EXPERIMENTS: the names that are valid, or NULL
 * if every name is. False: *err says why.
 */
bool run_spec_parse(struct run_spec *run, const char *text, size_t len, words_t experiments,
		    struct text *err);

/* False, with a text in ERR, if there is a key that is not in KNOWN. */
bool run_only_knows(const struct run_spec *run, words_t known, char *err, size_t errlen);

/*
 * The value of KEY as a number of MIN..MAX (parse_u64()'s forms). *value keeps the default that
 * the caller put there if the key is absent. False, with a text in ERR, if the value is bad.
 */
bool run_u64(const struct run_spec *run, const char *key, u64 min, u64 max, u64 *value, char *err,
	     size_t errlen);

/* The same for one of the words of VALID; *index is its place there. */
bool run_word(const struct run_spec *run, const char *key, words_t valid, u32 *index, char *err,
	      size_t errlen);

/* The value of KEY as it was written, or NULL if the key is absent. */
const char *run_text(const struct run_spec *run, const char *key);
