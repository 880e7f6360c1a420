/* SPDX-License-Identifier: MIT */
/*
 * The boot command line as a set of options, with Linux's names where Linux has the option. Nothing
 * is tolerated: an unknown word, a missing or bad value or an option given twice is an error with a
 * text that names the word and what would be valid.
 */
#pragma once

#include "kernel/console_opt.h"
#include "kernel/ending.h"
#include "kernel/run_spec.h"
#include "kernel/trace_opt.h"

#define OPTIONS_ERROR_MAX 640 /* holds every error text */
#define OPTIONS_LIST_MAX  255
#define OPTIONS_NAME_MAX  31 /* characters of a policy's name */

/* pti=: how many roots ring 3 shall have. Unset: the experiment decides. */
enum pti_option { PTI_UNSET, PTI_OFF, PTI_ON };

/* In the order of the table in options.c. Absent options have the default that stands here. */
struct options {
	char tlbi[OPTIONS_LIST_MAX + 1];      /* NAME[+NAME...]; "": the experiment decides */
	char nohz_full[OPTIONS_LIST_MAX + 1]; /* checked for its form only, see kernel/cpulist.h */
	struct run_spec run;		      /* name "": the caller decides */
	u32 pti;			      /* enum pti_option; PTI_UNSET */
	bool debug_pagealloc;		      /* false */
	bool vmap_stack;		      /* true */
	bool stack_on_task;		      /* stack=task; false */
	u32 zone;			      /* enum zone_mode; ZONE_OFF */
	bool nopcid, nox2apic;		      /* false */
	u32 max_cpus;			      /* MAX_CPUS */
	char defect[4];			      /* "N1".."N9"; "": none */
	u32 broken;			      /* a BREAK_ bit of arch/x86_64/breaks.h; 0 */
	struct trace_options trace;	      /* off */
	u32 tripwire;			      /* enum tripwire_mode; TRIPWIRE_OFF */
	struct console_options console;	      /* ttyS0,115200 and the screen */
	u32 loglevel;			      /* printk() shows levels up to this; 6 */
	u32 panic_seconds;		      /* 0 */
	u32 watchdog_seconds;		      /* 0: off; 60 */
	u32 end;			      /* enum end_option; END_HALTS */
	u64 seed;			      /* 1 */
	u32 tlb_single_page_flush_ceiling;    /* 33 */
};

/* The names that are valid at run time, each list ended by NULL. A NULL list accepts any name. */
struct options_words {
	words_t policies;
	words_t experiments;
};

/*
 * Reads CMDLINE: words between blanks; no quoting. A first word that begins with "/" or "(" is the
 * path of the image, as some loaders pass it, and is skipped. False, with a text in ERR, if
 * something is wrong; *out is then not to be used. ERRLEN must not be 0.
 */
bool options_parse(const char *cmdline, const struct options_words *words, struct options *out,
		   char *err, size_t errlen);

/* The word of break= that sets BIT; NULL if none does. */
const char *options_break_word(u32 bit);

/* The first name of a list of policies, its length in *LEN; NULL at the end of the list. */
const char *policy_list_name(const char *list, size_t *len);

/* The list behind its first name, of LEN characters. */
const char *policy_list_next(const char *list, size_t len);
