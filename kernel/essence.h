/* SPDX-License-Identifier: MIT */
/*
 * What a run has found, in as few characters as a QR code needs: the machine, its parameters, and a
 * row for each policy with the sums of its isolated CPUs. tools/qr.py makes JSON of it.
 *
 *	LATEFLUSH/1\n BRAND\n HYPERVISOR FIRMWARE STARTED/FOUND MIB TSC_KHZ FEATURES\n CMDLINE\n
 *	VERDICT/ROW/ROW.../$ROWS
 *
 * A row is NAME:ROOTS:VERDICT:NUMBER:NUMBER... Verdicts are P, F, E and S (skip), numbers have base
 * 36, an unknown one is "-". The last line has nothing but digits, upper case letters and :/$+-,
 * which a QR code stores in 5.5 bits each.
 */
#pragma once

#include "kernel/result.h"

#define ESSENCE_HEAD_MAX 320
#define ESSENCE_ROWS_MAX 4300 /* no QR code holds more of this kind */

struct essence {
	char head[ESSENCE_HEAD_MAX]; /* the first lines */
	char rows[ESSENCE_ROWS_MAX]; /* the last line */
};

/* False if it does not fit. A command line of more than 160 characters ends in "...". */
bool essence_make(const struct run_result *run, struct essence *out);
