/* SPDX-License-Identifier: MIT */
/*
 * How the translation of run=crusty's first page may come into the TLB although no instruction that
 * retires uses it (SDM Vol 3, 4.10.2.3). Interrupts off.
 */
#pragma once

void crusty_fill_nothing(void);
void crusty_fill_prefetch(void);

/* The pages behind it are read, downwards. */
void crusty_fill_neighbours(void);

/* A load that a trained branch predictor runs into, and that the branch then leaves out. */
void crusty_fill_branch(void);
