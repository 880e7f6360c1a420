/* SPDX-License-Identifier: MIT */
/*
 * run=hostile: a ring-3 program (user/hostile.c) does what it must not, one operation a run. Each
 * operation comes with what the SDM says must come of it, and that is what has to come of it; the
 * CPU's own state is compared with what it was, another CPU's task is watched.
 *
 * An operation is a number: the first ones are the directed operations (hostile_ops.c), those
 * behind them are made from the seed and the number alone (hostile_fuzz.c), so that each can be
 * repeated by itself.
 */
#pragma once

#include "arch/x86_64/types.h"
#include "kernel/task.h"
#include "user/hostile.h"

#define HOSTILE_CODE_MAX 96
#define HOSTILE_NAME_MAX 64
#define HOSTILE_REPORT	 64UL /* bytes that SYS_EXIT has to be given, if any */

/* How an operation may end. */
enum outcome {
	OUTCOME_FAULT, /* the task is ended by an exception */
	OUTCOME_DONE,  /* it comes back */
	OUTCOME_EXIT,  /* the task exits by itself */
	OUTCOME_TIMER, /* it would never end: the timer ends the task */
	OUTCOME_ANY,   /* random instructions: anything but harm */
	OUTCOMES
};

/* What is compared beside the outcome. */
#define JUDGE_RIP     BIT(0)
#define JUDGE_ADDRESS BIT(1) /* of a page fault */
#define JUDGE_RAX     BIT(2)
#define JUDGE_FLAGS   BIT(3)
#define JUDGE_REGS    BIT(4) /* all but `changes` as they were loaded, and RSP */

struct expectation {
	enum outcome outcome;
	u32 judged;
	u32 vector, error;
	u32 error_mask; /* bits of the error code that are not known in advance */
	u64 rip, address;
	u64 rax, flags;
	u64 code;	/* of an exit */
	bool complaint; /* an exit whose report cannot be read: the task is told */
	u32 changes;	/* set of BIT(enum hostile_reg) */
};

struct hostile_op {
	u64 index;
	char name[HOSTILE_NAME_MAX];
	u8 code[HOSTILE_CODE_MAX];
	u32 length;
	u64 regs[HOSTILE_REGS];
	u64 rsp, rflags;
	u64 fs, gs;
	u64 scratch[16];
	bool set_bases;	 /* needs FSGSBASE */
	bool at_end;	 /* in the last bytes of user space */
	bool breakpoint; /* a data breakpoint on scratch[0] */
	bool ring0_db;	 /* the #DB of that breakpoint is due in ring 0 (not on every engine) */
	struct expectation expect;
	struct expectation deviation; /* what this emulator is known to do instead */
	bool deviates;
};

/* Who carries the operations out: emulators are known to differ from the SDM (hostile_engine.c). */
enum engine { ENGINE_HARDWARE, ENGINE_TCG, ENGINE_BOCHS };

/* What operations are made from. */
struct hostile_world {
	enum engine engine;
	u64 seed;
	unsigned int cpu;    /* where they run */
	unsigned int victim; /* another CPU */
	const struct task *task;
	phys_addr_t ring3_root; /* what the CPU runs on in ring 3 */
};

/* Addresses of every area, by number; NAMES for messages. */
struct hostile_area {
	const char *name;
	u64 address;   /* at a multiple of 16, with 16 bytes of the same kind behind it */
	bool unsteady; /* others may map and unmap there meanwhile */
};
#define HOSTILE_AREAS 26
struct hostile_area hostile_area(const struct hostile_world *world, u32 number);

/* --- hostile_ops.c: directed operations --------------------------------------------------------
 */

/* How many there are, and number INDEX of them. */
u64 hostile_directed(void);
void hostile_directed_op(const struct hostile_world *world, u64 index, struct hostile_op *op);

/* --- hostile_access.c: accesses, by what they do and where -------------------------------------
 */

u32 hostile_accesses(void);
void hostile_access_op(const struct hostile_world *world, u32 access,
		       const struct hostile_area *area, struct hostile_op *op);

/* --- hostile_rules.c: the SDM's rules for selectors, flags and system calls --------------------
 */

enum selector_use { USE_DATA, USE_SS, USE_FAR_JUMP, USE_FAR_RETURN };

/* True if ring 3 may use SELECTOR like that; else *error is the error code of #GP. */
bool hostile_selector(enum selector_use use, u16 selector, u32 *error);

/* The flags that POPFQ leaves of VALUE in ring 3, IOPL 0 and IF 1. */
u64 hostile_popf(u64 value);

/* What a system call of user/syscall.h returns; SYS_EXIT is not asked for. */
u64 hostile_syscall(const struct hostile_world *world, u64 number, u64 a, u64 b);

/* Whether ring 3 can read LENGTH bytes at VA. */
bool hostile_readable(const struct hostile_world *world, u64 va, u64 length);

bool hostile_canonical(u64 va);

/* --- hostile_fuzz.c ----------------------------------------------------------------------------
 */

/* The operation of that number, from the seed. */
void hostile_fuzz_op(const struct hostile_world *world, u64 index, struct hostile_op *op);

/* --- hostile_engine.c --------------------------------------------------------------------------
 */

/* Puts into op->deviation what an emulator is known to do instead. */
void hostile_engine(enum engine engine, struct hostile_op *op);

/* --- hostile_op.c: what all makers use ---------------------------------------------------------
 */

/* An empty operation with defaults: registers, flags, stack. */
void hostile_op_init(struct hostile_op *op, u64 index);

/* Appends code; the operation's text is FMT. */
void hostile_code(struct hostile_op *op, const u8 *from, const u8 *end);
u64 hostile_entry(const struct hostile_op *op);
void hostile_name(struct hostile_op *op, const char *fmt, ...) __printf(2, 3);

/* Expectations. AT: offset of the instruction that faults; ERROR: the error code. */
void expect_fault(struct hostile_op *op, u32 vector, u32 error, u64 at);
void expect_page_fault(struct hostile_op *op, u32 error, u64 at, u64 address);
void expect_done(struct hostile_op *op);
