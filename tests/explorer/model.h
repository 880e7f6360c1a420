/* SPDX-License-Identifier: MIT */
/*
 * The machine that policies are explored on, and the kernel's part around their hooks.
 *
 * Memory: x86-TSO. Stores wait in their CPU's buffer and reach memory in order, at any time. LOCKed
 * operations, MOV to CR3, INVLPG, the delivery of interrupts and NMIs wait until the buffer is
 * empty; SYSCALL, SYSRET and INVPCID do not.
 *
 * TLB: holds for each purge whether the old translation may still be there. While a PTE is present
 * any CPU that runs on the kernel's root may fill at any time, so it may; it stays until a flush
 * executed later reaches it, and nothing is ever evicted: "may" needs no choices of its own. With
 * one root the translations are global, with two they belong to the kernel's PCID, and ring 3's
 * root has nothing to fill from. A purge of kind TABLE stands for a page table that was unlinked;
 * then the bit says that a paging-structure cache may still lead to it, and any such CPU may walk
 * it.
 *
 *			   one root		two roots
 *	INVPCID all	   all			all
 *	INVLPG		   the page		the page, on the kernel's root; tables on it, too
 *	CR3, flush	   tables		all, if the kernel's root is loaded
 *	CR3, NOFLUSH	   nothing		nothing
 *
 * Order of the flush code: mm/tlbflush.c, smp_call.c; of the doors: entry.asm. One action is one
 * operation of a hook, or one step of these that another CPU can tell from the next.
 */
#pragma once

#include "tests/explorer/explorer.h"

/* An action: what one CPU does next. */
enum verb {
	ACT_STEP,   /* the hook's next operation, or the frame's next step */
	ACT_COMMIT, /* the oldest store leaves the buffer */
	ACT_RANGED, /* a purge of one page begins: its PTE is cleared */
	ACT_FULL,
	ACT_TABLE, /* a purge that unlinks a page table */
	ACT_SYSCALL,
	ACT_LEAVE, /* the visit ends */
	ACT_IRQ,
	ACT_NMI,
	ACT_MC,
	VERBS,
};
#define ACTION(cpu, verb) ((u8)((cpu) << 4 | (verb)))
#define ACTION_CPU(a)	  ((a) >> 4)
#define ACTION_VERB(a)	  ((a)&15)
#define MAX_ACTIONS	  32

/* The first state: targets in ring 3, nothing owed. */
void model_begin(struct state *s, bool two_roots);

/* What can happen in S. */
u32 model_actions(const struct state *s, u8 *actions);

/* Bounds that are sequential: what is under way goes on, IPIs strike at once; else as above. */
u32 model_sequential_actions(const struct state *s, u8 *actions);

/*
 * Carries out ACTION, which is one of those, and what follows at once (eager.h); calls
 * model_found() for what that makes the oracles see. True if the state cannot go on (EFFECT_STUCK).
 * WATCH, if not NULL, sees each step: the states before and after.
 */
typedef void model_watch(const struct state *before, const struct state *after, u8 action);
bool model_apply(struct state *s, u8 action, model_watch *watch);

/* The hook that CPU is in can carry out its next operation. */
bool model_hook_can_step(const struct state *s, unsigned int cpu);

/* Written by the search, called by the model. */
extern void (*model_found)(enum context context, enum effect effect, const struct finding *finding);

/* Called when a hook has ended (costs.c); NULL: not wanted. */
extern void (*model_hook_ended)(const struct state *s, unsigned int cpu, const struct frame *f);

/* Tells what happens, in words; NULL: nobody listens. NMI: inside a paranoid door. */
extern void (*model_note)(unsigned int cpu, bool nmi, const char *text);
