/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a trace: its newest records on the console, in ftrace's shape, and all of it on
 * port 0xe9 for tools/trace_export.py.
 */
#pragma once

#include "kernel/json.h"
#include "kernel/trace_opt.h"

/* What trace_report() shows at most; set once, before the rings are made. */
extern u32 trace_show;

/*
 * Ends the recording and prints the newest records of all CPUs, merged by time, each line whole.
 * Nothing without a trace. Context: one CPU, the others idle or stopped; panic.
 */
void trace_report(json_write_fn write);

/*
 * Writes every record that is left, one line each, behind what else came out of WRITE: lines that
 * begin with "@trace". Says what is missing. Context: as trace_report(), after it.
 */
void trace_export(json_write_fn write);
