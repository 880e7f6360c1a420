/* SPDX-License-Identifier: MIT */
/*
 * The result of a run as text for people: parameters and machine, a table for each policy, the
 * comparison, reasons, one verdict line. At most 100 columns of ASCII. What says most stands last:
 * that is what a screen still shows.
 */
#pragma once

#include "kernel/report_lines.h"
#include "kernel/result.h"

/*
 * Prints RUN, a line a call of WRITE. Context: one CPU at a time, after the run; uses static
 * memory.
 */
void report_print(const struct run_result *run, report_write_fn write);

/* Its lines about the machine. */
void report_print_machine(const struct machine_result *m, report_write_fn write);

/* Of these: CPUs that share a core, types of cores, the TSCs. Nothing where there is none. */
void report_print_topology(const struct machine_result *m, report_write_fn write);
void report_print_tsc(const struct machine_result *m, report_write_fn write);

/* What every report begins with. */
void report_print_head(const struct machine_result *machine,
		       const struct parameters_result *parameters, report_write_fn write);

/* The parts between the machine and the verdict. A policy's own tables: report.c says when. */
void report_print_policy(const struct policy_result *policy, report_write_fn write);
void report_print_comparison(const struct run_result *run, report_write_fn write);

/* What the comparison's tables leave open: n/a in Stale, NMI loads that were off. */
void report_print_notes(const struct run_result *run, report_write_fn write);

/* "NMI load off: N4", if POLICY's was. */
void report_nmi_note(const struct policy_result *policy, report_write_fn write);
