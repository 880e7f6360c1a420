/* SPDX-License-Identifier: MIT */
/*
 * Lists of CPUs as on Linux's command line: numbers, ranges N-M, commas between them, and N for
 * the last CPU ("1,4-6,8-N").
 *
 * The value of N, and which CPUs are there at all, is known only once they have been started; so
 * nohz_full= is checked for its form when the command line is read and kept as text
 * (cpulist_check), and becomes a set of CPUs afterwards (nohz_full_resolve).
 *
 * All return false on an error, with a text that names the item and what would be valid; the set is
 * then not to be used. ERRLEN must not be 0; 256 bytes hold every text.
 */
#pragma once

#include "arch/x86_64/cpumask.h"

/* Whether LEN characters at TEXT have the form of a list of CPUs below MAX_CPUS. */
bool cpulist_check(const char *text, size_t len, char *err, size_t errlen);

/* The CPUs that the list names; each must be below NR_CPUS (1..MAX_CPUS). */
bool cpulist_parse(const char *text, size_t len, u32 nr_cpus, struct cpumask *out, char *err,
		   size_t errlen);

/*
 * The isolated CPUs of a machine on which the CPUs 0..NR_CPUS-1 are up. LIST is nohz_full='s text;
 * empty means the upper half: the last NR_CPUS / 2 CPUs, hence none where there is one CPU. Refused
 * are CPUs that are not there, CPU 0 (the boot CPU), with it every list of all CPUs, and any list
 * where there is one CPU.
 */
bool nohz_full_resolve(const char *list, u32 nr_cpus, struct cpumask *out, char *err,
		       size_t errlen);
