/* SPDX-License-Identifier: MIT */
/*
 * Every way this kernel has to make the calling CPU forget a translation. _local: this CPU only.
 * All are noinstr and safe in any context unless they say otherwise; each counts itself in
 * struct tlb_counters under Linux's names.
 */
#pragma once

#include "arch/x86_64/types.h"

/*
 * What flushes do beside flushing: 0 in an honest run without zone=stale. One word, so that the
 * usual flush has one test. Readable in the danger zone.
 */
#define DETOUR_NO_STAMP	  BIT(0) /* break=stamp: full flushes do not stamp the generation oracle */
#define DETOUR_STALE_COPY BIT(1) /* zone=stale: what is flushed is copied (stale_copy.h) */
extern u32 flush_detours;

/* Pages; strictly more than this and a range is flushed as a whole (Linux: 33). Boot option. */
extern u32 tlb_single_page_flush_ceiling;

/*
 * Drops all entries of this CPU, global ones and all PCIDs too: INVPCID type 2, else a toggle of
 * CR4.PGE; a CPU without PGE has no global entries and a CR3 write does (SDM Vol 3 4.10.4.1).
 * Stamps the CPU with the newest purge issued before it.
 */
void __flush_tlb_all(void);

/* Drops one page's entry of the current PCID and its global entry, by INVLPG. */
void flush_tlb_one_kernel(u64 addr);

/* Drops one user page's entries of this CPU, of both roots if there are two. Kernel's root. */
void flush_tlb_one_user_local(u64 addr);

/* The hardware's part of __flush_tlb_all(): it counts, stamps and copies nothing. */
void tlb_drop_all(void);

/* The primitives themselves, for the tests: none counts, stamps or copies. */
enum invpcid_type { INVPCID_ADDR, INVPCID_SINGLE, INVPCID_ALL_GLOBAL, INVPCID_ALL_NON_GLOBAL };
void tlb_invlpg(u64 addr);
void tlb_write_cr3(void);
void tlb_toggle_pge(void);
void tlb_invpcid(enum invpcid_type type, u64 pcid, u64 addr);

/*
 * AMD's broadcast (AMD's manual Vol 3, INVLPGB and TLBSYNC): drops translations in every CPU's TLB;
 * TLBSYNC waits until all have done so. RAX: an address and what has to match, INVLPGB_*.
 */
#define INVLPGB_VA	       BIT(0)
#define INVLPGB_INCLUDE_GLOBAL BIT(3)
void tlb_invlpgb(u64 rax);
void tlb_tlbsync(void);
