/* SPDX-License-Identifier: MIT */
/*
 * A state of the model: everything that decides what may happen next, and what the oracles need.
 * Plain data: copied, packed (state_pack.c) and hashed. What it stands for is in model.h.
 */
#pragma once

#include "arch/x86_64/types.h"

#define MAX_MODEL_CPUS 3
#define MAX_FRAMES     4 /* a visit, an interrupt in it, #MC, an NMI */
#define MAX_HISTORY    48
#define MAX_BUFFERED   8
#define MAX_PURGES     4
#define MAX_CELLS      48

enum hook {
	HOOK_NONE,
	HOOK_BEGIN,
	HOOK_NEED_IPI,
	HOOK_TARGETS,
	HOOK_FLUSHED,
	HOOK_LAGS,
	HOOK_ENTER,
	HOOK_EXIT,
	HOOK_NMI_ENTER,
	HOOK_NMI_EXIT,
	HOOKS,
};

/* What a CPU does, innermost last. */
enum frame_kind {
	FRAME_INITIATOR, /* a housekeeping CPU: purges */
	FRAME_TARGET,	 /* an isolated CPU: ring 3, and visits to the kernel */
	FRAME_BYSTANDER, /* in the kernel all the time, does not track its context */
	FRAME_IRQ,	 /* the handler of the flush IPI */
	FRAME_NMI,
	FRAME_MC, /* #MC, or #DB out of the kernel: the same door */
};

/* Where a frame stands. Each kind has its own. */
enum {
	INIT_NEXT,	    /* between purges */
	INIT_ISSUE,	    /* PTEs cleared; next, the LOCKed number */
	INIT_BEGIN,	    /* in begin() */
	INIT_ASK,	    /* in need_ipi(arg) */
	INIT_TARGETS,	    /* in targets() */
	INIT_REQUEST,	    /* arg is to be interrupted, once the store buffer is empty */
	INIT_LOCAL,	    /* its own flush, interrupts off */
	INIT_LOCAL_FLUSHED, /* in flushed() */
	INIT_WAIT,	    /* for answers */
	INIT_LAGS,	    /* in lags(arg) */
};
enum { TARGET_RING3, TARGET_ENTER, TARGET_KERNEL, TARGET_EXIT };
enum { IRQ_FLUSH, IRQ_FLUSHED, IRQ_ANSWER };
enum { PARANOID_ENTER, PARANOID_HANDLER, PARANOID_EXIT };

/* Flags of a frame. */
#define BY_IRQ	     1U	 /* target: this visit began with an interrupt */
#define QUIET	     2U	 /* initiator: the CPU that is asked about has sat in ring 3 all along */
#define SELF_NEEDS   4U	 /* initiator: its own answer was yes */
#define SOMEONE_LAGS 8U	 /* initiator: at least one lags */
#define BY_MASK	     16U /* initiator: saved has those that are yet to be interrupted */
#define QUIET_CPU    32U /* initiator: as QUIET, for CPU 0, 1 and 2, while it asks about all */

struct frame {
	u8 kind, at, flags;
	u8 purge; /* initiator, IRQ: which */
	u8 arg;	  /* initiator: the CPU asked about */
	u8 hook;
	u8 nr_history;
	u64 saved; /* NMI, #MC: what nmi_enter() returned; initiator: see BY_MASK */
	u64 history[MAX_HISTORY];
};

/* A store that is not in memory yet: of a policy's word, or the clearing of a PTE. */
#define BUFFERED_PTE 0xff
struct buffered {
	u8 cell; /* or BUFFERED_PTE: value is the purge's number */
	u8 shift, size;
	u64 value;
};

struct cpu_state {
	u8 nr_frames;
	u8 nr_buffered;
	u8 ring3_root; /* with two roots: ring 3's is loaded */
	u8 queue;      /* purges that this CPU has been asked to flush for and has not begun to */
	u8 visits_left;
	u8 may;	    /* purges whose old translation this CPU's TLB may hold */
	u8 covered; /* purges that a flush executed here, after their number was taken, covers */
	/*
	 * R9: work may have been recorded since the last drain, and, of that, since this visit's
	 * entry began: what its look at the policy's words may have come too early for.
	 */
	u8 recorded, recorded_late;
	struct buffered buffer[MAX_BUFFERED];
	struct frame frames[MAX_FRAMES];
};

enum purge_kind { PURGE_RANGED, PURGE_FULL, PURGE_TABLE };

struct purge_state {
	u8 kind;
	u8 generation; /* 0: no number yet */
	u8 waiting;    /* CPUs that have not answered */
	u64 ticket;
};

struct state {
	u8 present;   /* purges whose PTE (or table) is still there, in memory */
	u8 issued;    /* have a number */
	u8 completed; /* everybody asked has answered */
	u8 released;  /* and nobody lags; as completed for policies without lags() */
	u8 nr_issued;
	u8 nmis_left, mcs_left;
	struct purge_state purges[MAX_PURGES];
	struct cpu_state cpus[MAX_MODEL_CPUS];
	u64 cells[MAX_CELLS]; /* policy words, as the difference from their initial value */
};

/* Packs STATE into BYTES, at most PACKED_MAX; returns the length. Equal states, equal bytes. */
#define PACKED_MAX 4096
size_t state_pack(const struct state *state, u8 *bytes);
void state_unpack(struct state *state, const u8 *bytes);

/* Copies what is in use of FROM; the rest of TO stays what it was. */
void state_copy(struct state *to, const struct state *from);
