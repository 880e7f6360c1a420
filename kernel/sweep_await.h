/* SPDX-License-Identifier: MIT */
/*
 * How the sweep waits for what has to happen: with a limit, and a message that names it.
 */
#pragma once

#include "arch/x86_64/log.h"
#include "arch/x86_64/relax.h"
#include "arch/x86_64/tsc.h"

#define SWEEP_WAIT_LIMIT_MS 30000

/* Waits for COND; what is awaited, and of which CPU, ends the machine if it does not come. */
#define SWEEP_AWAIT(cond, cpu, what)                                                               \
	do {                                                                                       \
		u64 _deadline = tsc_deadline(SWEEP_WAIT_LIMIT_MS);                                 \
		while (!(cond)) {                                                                  \
			if (tsc_passed(_deadline))                                                 \
				panic("sweep: CPU %u: not within %u ms: %s", cpu,                  \
				      SWEEP_WAIT_LIMIT_MS, what);                                  \
			cpu_relax();                                                               \
		}                                                                                  \
	} while (0)
