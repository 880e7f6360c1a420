/* SPDX-License-Identifier: MIT */
/*
 * Results of runs that never were, for the tests of both forms of the report. Each call gives a new
 * one in memory of its own.
 */
#pragma once

#include "kernel/result.h"

/* Two policies on four CPUs under an emulator, all as it should be. */
struct run_result *sample_comparison(void);

/* A policy that was convicted, one with two roots (canary n/a), one that could not run; broken. */
struct run_result *sample_findings(void);

/* 25 rows: policies with one root and with two, skipped ones, claims that were met. */
struct run_result *sample_all_policies(void);

/* 256 CPUs, 240 of them isolated, on bare metal. */
struct run_result *sample_many_cpus(void);

/* Every number at its largest, every text as long as it may be and full of bytes that are no text.
 */
struct run_result *sample_maxima(void);

/* Nothing was run. */
struct run_result *sample_nothing(void);

/* Anything: the same for the same SEED. */
struct run_result *sample_random(long seed);

/* One of the above by name: "comparison", "findings", ...; NULL: no such name. */
struct run_result *sample_by_name(const char *name);
void sample_free(struct run_result *run);
