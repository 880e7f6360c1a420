/* SPDX-License-Identifier: MIT */
/*
 * What a policy's words mean, for the telling.
 */
#pragma once

#include "arch/x86_64/types.h"

/*
 * VALUE, SIZE bytes at ADDR, as READER sees it: " (context=USER work=none)", by the policy's table
 * (mm/policy/word.h), with the word's CPU if that is another one. A field that has the name KNOWN
 * is not named again. "" for what is in no table and nobody's. Good until the next call.
 */
const char *words_meaning(const void *addr, u64 size, u64 value, unsigned int reader,
			  const char *known);
