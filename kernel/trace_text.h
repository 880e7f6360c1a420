/* SPDX-License-Identifier: MIT */
/*
 * Records of trace= in words.
 */
#pragma once

#include "arch/x86_64/trace.h"
#include "kernel/parse.h"

/* "tlb_purge", "ipi_send": an event's name, in ftrace's style. */
const char *trace_event_name(enum trace_event event);

/* Adds what RECORD says, without its name, time and CPU. Never empty of meaning, at most a line. */
void text_add_record(struct text *text, const struct trace_record *record);
