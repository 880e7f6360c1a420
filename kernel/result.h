/* SPDX-License-Identifier: MIT */
/*
 * What a run has found, as facts without layout: filled by the workloads and the oracles, read by
 * the report (kernel/report.c) and by its machine form (kernel/report_json.c). Counts are exact;
 * a field that a run could not measure is absent by its own flag, never 0.
 */
#pragma once

#include "arch/x86_64/types.h"

enum verdict { VERDICT_NONE, VERDICT_PASS, VERDICT_FAIL, VERDICT_ERROR };

/* What interrupted ring 3, as told by the entry path; GAP_MACHINE: no kernel entry at all. */
enum gap_cause {
	GAP_MACHINE,
	GAP_FLUSH_IPI,
	GAP_OTHER_IPI,
	GAP_TIMER,
	GAP_NMI,
	GAP_SYSCALL,
	GAP_EXCEPTION,
	GAP_CAUSES
};

struct gap_result {
	u64 count;
	u64 largest_ns;
};

/* One CPU under one policy. Phase 1: isolated CPUs stay in ring 3; phase 2: they bounce. */
struct cpu_result {
	u32 cpu;
	u32 apic_id;
	bool isolated;
	/* Phase 1 */
	u64 tlbi_ipis;	    /* flush IPIs received */
	u64 tlbi_callbacks; /* flush callbacks run: IPIs + coalesced requests */
	u64 kernel_entries; /* from ring 3, every door; one is due, the entry that ends the phase */
	u64 deferred;	    /* flushes that the policy deferred for this CPU */
	u64 drained;	    /* drains executed at an entry */
	/* Phase 2 */
	u64 raced_ipis;	      /* sent while the CPU was in the kernel, by its entry counts */
	u64 phase2_callbacks; /* flush callbacks run */
	u64 phase2_entries;   /* from ring 3 */
	u64 phase2_deferred;
	u64 phase2_drained;
	/* Both phases */
	u64 deferrable_ipis; /* decided while it sat in ring 3; 0 unless the policy never defers */
	u64 other_irqs;	     /* every interrupt that is no flush IPI, NMIs apart */
	u64 nmis;
	u64 nmis_sent;		  /* by the load of phase 2; there are no others */
	u64 owed_entries;	  /* drains of work that some purge recorded */
	u64 spurious_drains;	  /* drains of work that nobody can have recorded: R9 allows none */
	u64 flush_all, flush_one; /* full flushes and INVLPGs executed */
	u64 sent_callbacks, sent_ipis,
		sent_coalesced;		       /* the senders' book of flushes to this CPU */
	u64 received_callbacks, received_ipis; /* and its own; they must agree */
	u64 warm;	   /* canaries proved warm (in the TLB) before their purge */
	u64 canary_checks; /* canaries read after an entry, with a stable expectation */
	u64 stale;	   /* of these, how many read the old frame */
	u64 nmi_checks;	   /* canaries read in an NMI handler, with a stable expectation */
	u64 nmi_stale;	   /* of these, how many read the old frame */
	bool canary_valid; /* false: the canary cannot convict here: print n/a */
	u64 lost;	   /* generation oracle: checks that found a completed purge uncovered */
	u64 lost_in_nmi;   /* of these, checks in an NMI handler */
	/* Phase 1, told by ring 3 itself (program spin) */
	bool has_gaps;
	struct gap_result gaps[GAP_CAUSES];
	u64 unexplained; /* entries seen by ring 3 whose cause no door recorded */
};

struct claim_result {
	const char *id;	     /* "N4" */
	const char *context; /* "process" | "irq" | "nmi" */
	const char *effect;  /* "stale" | "lost" | "spurious" */
};

#define RESULT_MAX_CLAIMS 16

struct policy_result {
	const char *name;
	const char *lineage;
	u32 roots;
	struct claim_result claims[RESULT_MAX_CLAIMS];
	u32 nr_claims;
	bool defers;	/* false: every flush is an IPI to every CPU */
	bool eager;	/* drains at every entry, owed or not: no drain of it is spurious (R9) */
	bool broadcast; /* neither: an instruction of the initiator flushes everywhere */
	bool ran;
	bool nmi_load;	  /* phase 2 sent NMIs to the isolated CPUs */
	bool stale_copy;  /* zone=stale: no CR3 write hides a missing flush from the canary */
	bool never_stale; /* zone=trap: the mode flushes on the way out, so no canary is old */
	enum verdict verdict;
	char reason[160]; /* one line; empty for a pass with nothing to add */
	u64 flushes;	  /* phase 1: flushes issued through flush_tlb_kernel_range_deferrable */
	u64 phase2_flushes;
	u64 full_flushes, ranged_flushes; /* of both phases' flushes, by what the range asked for */
	u64 held_pages;			  /* the most pages that rested because of the policy */
	u64 syscall_instructions; /* of the kernel, for a null system call; 0: not counted */
	u64 operations;		  /* of the storm, both phases */
	u64 allocations;	  /* areas allocated by it */
	u64 allocation_failures;  /* areas that memory did not allow */
	u64 corrupted;		  /* of these, areas that did not hold what was written to them */
	struct cpu_result *cpus;  /* nr_cpus of them */
	u32 nr_cpus;
};

/* A CPU of a machine whose cores have several threads, or are of several types. */
struct place_result {
	u32 cpu;
	u32 apic_id;
	u32 core;	  /* APIC id of the core's first thread */
	const char *type; /* "core" | "atom", NULL if the machine is not hybrid */
};

struct machine_result {
	char cpu_vendor[13]; /* CPUID 0 */
	char cpu_brand[49];
	u32 microcode;	      /* revision; 0: unknown */
	char hypervisor[13];  /* CPUID 0x40000000 signature, "" on bare metal */
	bool emulated;	      /* TCG or Bochs: counts valid, times not */
	const char *firmware; /* "bios" | "uefi" | "pvh" */
	char loader[32];
	u32 cpus_found, cpus_started;
	u32 cpus_failed; /* called, and never answered */
	u64 memory_bytes;
	u64 tsc_khz;
	bool x2apic, pcid, invpcid, pge, nx, smep, smap, umip, fsgsbase, invlpgb;
	bool la57, pdpe1gb, rdpid, tsc_deadline_timer, invariant_tsc;
	const struct place_result
		*topology; /* of nr_topology CPUs; NULL: each is a core, all alike */
	u32 nr_topology;
	/* The boot CPU's TSC against each other's, in turns (arch/x86_64/tsc_compare.h) */
	u64 tsc_readings;	   /* compared with the one before, on the other CPU */
	u64 tsc_backwards;	   /* of these, lower than it */
	u64 tsc_largest_backwards; /* in ticks */
	u32 tsc_unfinished;	   /* pairs of CPUs that were given up */
};

struct parameters_result {
	const char *cmdline;
	const char *broken; /* break= or defect= words, "" if none */
	u64 seed;
	u32 flush_ceiling; /* tlb_single_page_flush_ceiling */
	u64 lazy_max_pages;
	bool debug_pagealloc, vmap_stack, stack_on_task;
	const char *zone; /* "off" | "trap" | "stale" */
};

struct run_result {
	struct machine_result machine;
	struct parameters_result parameters;
	struct policy_result *policies;
	u32 nr_policies;
	bool detail; /* print the tables of each policy, however many there are */
	enum verdict verdict;
	char reason[160];
};
