/* SPDX-License-Identifier: MIT */
/*
 * A policy's words in text.
 */
#pragma once

#include "kernel/parse.h"
#include "mm/policy/word.h"

/* Adds "context=USER work=none"; "no word" for a policy without any (WORDS NULL). */
void text_add_policy_words(struct text *text, const struct policy_word *words, u64 shared, u64 own);
