/* SPDX-License-Identifier: MIT */
/*
 * trace=EVENT[+EVENT...][,records=N][,show=N] and the words of tripwire=: what is watched while it
 * happens.
 */
#pragma once

#include "kernel/parse.h"

#define TRACE_OPTION_VALID                                                                         \
	"EVENT[+EVENT...][,records=N][,show=N]; EVENT is one of purge, ask, ipi, entry, drain, "   \
	"all"

#define TRACE_RECORDS_LEAST 16
#define TRACE_RECORDS_MOST  (1U << 20)
#define TRACE_SHOW_MOST	    1024

struct trace_options {
	u32 groups;  /* TRACE_G_* of arch/x86_64/trace.h; 0: off */
	u32 records; /* of each CPU's ring: a power of two */
	u32 show;    /* the newest records that the console gets */
};

/* ring3: only IPIs whose target sat in ring 3 when the policy was asked. */
enum tripwire_mode { TRIPWIRE_OFF, TRIPWIRE_IPI, TRIPWIRE_RING3 };

/* Reads VALUE, LEN characters. False, with a text in *ERR, if it is not valid. */
bool trace_option_parse(struct trace_options *trace, const char *value, size_t len,
			struct text *err);
