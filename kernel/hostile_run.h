/* SPDX-License-Identifier: MIT */
/*
 * Carrying hostile operations out, one after the other, on their CPU; the first that ends otherwise
 * than it should, or leaves the CPU otherwise than it was, ends the run.
 */
#pragma once

#include "kernel/hostile.h"
#include "kernel/hostile_state.h"

#define HOSTILE_REASON_MAX 320

/* plant=: what is broken on purpose at the last operation, for a test to see it noticed. */
enum plant {
	PLANT_NOTHING,
	PLANT_REASON, /* another exception is expected than the right one */
	PLANT_CR0,
	PLANT_FLAGS, /* AC */
	PLANT_MSR,   /* CSTAR */
	PLANT_GDTR,
	PLANT_WORDS, /* of the doors: the kernel's stack */
	PLANT_DOORS, /* an entry is counted twice */
	PLANT_TSS,
	PLANT_IDT,
	PLANT_DR7,
	PLANT_STACK,  /* a sentinel */
	PLANT_QUIET,  /* the #MC stack */
	PLANT_IMAGE,  /* a kernel constant */
	PLANT_VICTIM, /* the other task's memory */
	PLANT_ENTRY,  /* a timer interrupt on its CPU */
	PLANT_FRAME,  /* a frame is lost */
	PLANT_GATE,   /* ring 3 may INT 0x80; from the first operation on */
};

struct hostile_run {
	struct hostile_world world;
	u64 first, ops;
	enum plant plant;
	/* Written by the CPU, read by the boot CPU. */
	u64 current;
	u64 ended[OUTCOMES]; /* operations by how they ended */
	u64 deviations;	     /* of these, as an emulator is known to do it */
	u64 ring0_dbs, ring0_dbs_due;
	bool failed;
	char reason[HOSTILE_REASON_MAX]; /* if it failed */
	/* the rest is this file's */
	struct task *task;
	struct hostile_page *page;
	u8 *code;
	phys_addr_t page_frame, code_frame;
	u32 code_used;
	u8 report[HOSTILE_REPORT];
	struct hostile_op op;
	struct cpu_state state;
};

/* Makes the task. NULL, or what went wrong. Boot CPU, interrupts on. */
const char *hostile_run_create(struct hostile_run *run, bool vmap_stack);
void hostile_run_destroy(struct hostile_run *run);

/* A cpu_work_t for world.cpu: carries out operations first .. first + ops - 1. */
void hostile_run_work(void *run);
