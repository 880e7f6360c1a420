/* SPDX-License-Identifier: MIT */
/*
 * The CPUs of the machine, for its report: maker, microcode, features, cores, TSCs.
 */
#pragma once

#include "kernel/result.h"

/*
 * Fills these fields of M, whose field emulated is set. Boot CPU, once, interrupts on, all other
 * CPUs up and idle: each is asked for its place, and reads its TSC in turns with this one.
 */
void describe_cpus(struct machine_result *m);
