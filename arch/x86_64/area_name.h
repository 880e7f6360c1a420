/* SPDX-License-Identifier: MIT */
/*
 * The map of layout.h in words, for messages.
 */
#pragma once

#include "arch/x86_64/types.h"

/* What lies at VA, mapped or not: "the direct map", "a CPU's GDT and TSS", .. Static text. */
const char *area_name(u64 va);

/*
 * Whether some page of [start, end) belongs to a structure that the CPU reads by itself, without
 * an instruction that names it: descriptor tables, and the stacks that a gate switches to (R8).
 */
bool implicitly_read(u64 start, u64 end);
