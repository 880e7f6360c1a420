/* SPDX-License-Identifier: MIT */
/*
 * Which CPUs use which of a policy's words. An access that no other CPU can see or change needs no
 * interleaving (eager.c). Who uses a word is found out by exploring: a search takes it that nobody
 * does who has not done so yet, and is begun anew, with what is known by then, when it has relied
 * on that and was wrong (search.c). So what a search that came to its end relied on was right in
 * every state that it saw.
 */
#pragma once

#include "arch/x86_64/types.h"

/* Of other bounds, or of another policy, nothing is known. */
void uses_forget(void);

/* A search begins: nothing has been relied on. */
void uses_begin(void);

/* CPU reads CELL, or (WRITES) may write it. */
void uses_note(u8 cell, unsigned int cpu, bool writes);

/* No other CPU than CPU reads or writes CELL; writes it; nobody writes it. True: relied on. */
bool uses_alone(u8 cell, unsigned int cpu);
bool uses_as_writer(u8 cell, unsigned int cpu);
bool uses_constant(u8 cell);

/* Something that was relied on was wrong. */
bool uses_were_wrong(void);
