/* SPDX-License-Identifier: MIT */
/*
 * The per-CPU block, reached through GS. Lines that another CPU may write are marked and stand
 * alone on their cache line; everything else is written by its own CPU only, so an isolated CPU's
 * lines stay in its cache while housekeeping CPUs purge.
 */
#pragma once

#include "arch/x86_64/cpu_area.h"
#include "arch/x86_64/cpu_number.h"
#include "arch/x86_64/tlb_gen.h"
#include "arch/x86_64/trace.h"
#include "arch/x86_64/types.h"
#include "arch/x86_64/user_page.h"
#include "arch/x86_64/zone_trap.h"

struct call_item;
struct call_stats;
struct task;

/* Linux's vm_event names where Linux has the event. */
struct tlb_counters {
	u64 nr_tlb_remote_flush;	  /* purges that this CPU sent to others */
	u64 nr_tlb_remote_flush_received; /* flush callbacks run here for others */
	u64 nr_tlb_local_flush_all;
	u64 nr_tlb_local_flush_one;
	u64 nr_drains;	     /* deferred flushes executed at a door */
	u64 nr_owed_entries; /* of these, drains of work that some purge recorded (kernel/oracle.c)
			      */
	u64 nr_spurious_drains; /* and of work that nobody can have recorded (R9) */
};

struct irq_counters {
	u64 flush_ipis; /* call-function interrupts that were sent for a flush */
	u64 flush_callbacks;
	u64 other_ipis; /* and for anything else */
	u64 other_callbacks;
	u64 timer;
	u64 unknown; /* any other vector from 32 on */
	u64 nmi;
	u64 nmi_from_kernel;
	u64 exceptions;
};

struct percpu {
	/* Line 0: what the doors use. Offsets are generated for entry.asm. */
	struct percpu *self;
	u64 user_rsp; /* SYSCALL's scratch, valid for two instructions */
	u64 entry_stack_top;
	u64 user_frame;	      /* entry_stack_top - sizeof(struct pt_regs) */
	u64 kernel_stack_top; /* of the running task, else of the idle context */
	u32 cpu;
	u32 apic_id;
	struct task *current;
	u64 door_scratch; /* stack=task: where enter and exit were called from */

	/* Written by initiators and by this CPU: the policy's word(s), laid out by mm/policy. */
	u8 policy_shared[CACHE_LINE] __aligned(CACHE_LINE);

	/* Written by senders of cross-calls: head of the queue, taken whole by this CPU. */
	struct call_item *call_queue __aligned(CACHE_LINE);

	/* Written by this CPU from here on. */
	u8 policy_own[CACHE_LINE] __aligned(CACHE_LINE);
	struct tlb_gen_cpu tlb_gen;
	struct tlb_counters tlb;
	struct irq_counters irqs;
	u64 root_switch_covers;	       /* what the last flush by a switch of roots is good for */
	u64 covered_at_drain;	       /* tlb_gen.covered when the last drain began */
	u64 drains_seen;	       /* nr_drains when the oracle last looked */
	u64 answers_before;	       /* answers_seen at the look before that */
	u64 answers_seen;	       /* questions about this CPU that were answered by then */
	u64 lost;		       /* generation oracle: completed purges found uncovered */
	u64 lost_in_nmi;	       /* of these, in NMI handlers */
	struct call_item *call_items;  /* one a target, owned by this CPU as the sender */
	struct call_stats *call_stats; /* one a target, written by this CPU as the sender */
	u64 idle_rsp;		       /* idle context, saved while a task runs */
	u64 fault_fixup;	       /* nonzero: see extable.h */
	u32 relax_turns;	       /* see relax.c */
	u32 deadline_looks;	       /* see tsc.c */
	struct zone_trap_cpu zone;     /* zone=trap */
	struct trace_cpu trace;	       /* trace= */
	bool timer_in_use;	       /* apic_timer_local() has armed it */
	bool online;		       /* set once by the CPU itself, never cleared */
};

_Static_assert(sizeof(struct percpu) <= CPU_AREA_PERCPU_SIZE, "the block has two pages");

static inline struct percpu *percpu(unsigned int cpu)
{
	return (struct percpu *)(cpu_area(cpu) + CPU_AREA_PERCPU);
}

/* The user page of CPU, writable: the kernel's own view of it. */
static inline struct user_page *user_page(unsigned int cpu)
{
	return (struct user_page *)(cpu_area(cpu) + CPU_AREA_USER_PAGE);
}

static __always_inline struct percpu *this_cpu(void)
{
	struct percpu *self;

	__asm__ volatile("mov %%gs:%c1, %0" : "=r"(self) : "i"(offsetof(struct percpu, self)));
	return self;
}
