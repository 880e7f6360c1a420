/* SPDX-License-Identifier: MIT */
/*
 * What the stepped ring-3 program (user/step.c) and its controller (kernel/stepper.c) agree on: a
 * page that both write, and the orders in it.
 */
#pragma once

#include "arch/x86_64/types.h"

#define STEP_PAGE_VA 0x10000000UL

/* Of regs.h: #MC's, and the one behind which #DB's stub stands meanwhile. */
#define STEP_VECTOR_MC 18
#define STEP_VECTOR_DB 0xee

enum step_order {
	STEP_CALL_PROBE,  /* SYS_PROBE */
	STEP_CALL_NULL,	  /* SYS_NULL */
	STEP_TRACE_PROBE, /* the same with TF set: #DB at each instruction in the kernel */
	STEP_TRACE_NULL,
	STEP_TRACE_DOOR, /* sets TF, for step_begin_door() */
	STEP_RAISE_GP,	 /* CLI in ring 3: one byte, which the handler has to skip */
	STEP_RAISE_MC,	 /* INT STEP_VECTOR_MC */
	STEP_RAISE_DB,	 /* INT STEP_VECTOR_DB */
	STEP_NOTHING,
	STEP_EXIT_PROGRAM,
};

struct step_page {
	u64 order;	  /* enum step_order */
	u64 order_number; /* raised by the controller behind the order */
	u64 done_number;  /* follows when the order has been carried out */
	u64 beat;	  /* raised by ring 3 while it waits for an order */
	u64 pause;	  /* PAUSE while waiting: see relax.h */
};
