/* SPDX-License-Identifier: MIT */
/*
 * Words that several policies have, see word.h. The others stand in their policies' files.
 */
#include "mm/policy/word.h"

const struct policy_word in_kernel_words[] = {
	{.name = "in_kernel", .own = true, .shift = 0, .bits = 32, .values = {"no", "yes"}},
	{.name = NULL},
};

const struct policy_word ct_words[] = {
	{.name = "context", .shift = 0, .bits = 2, .values = {"KERNEL", "IDLE", "USER", "GUEST"}},
	{.name = "work", .shift = 2, .bits = 14, .values = {"none", "SYNC", "TLBI", "SYNC+TLBI"}},
	{.name = "watching", .shift = 16, .bits = 1, .values = {"no", "yes"}},
	{.name = "count", .shift = 16, .bits = 16},
	{.name = NULL},
};

const struct policy_word parity_words[] = {
	{.name = "claims", .shift = 0, .bits = 8},
	{.name = "full", .shift = 8, .bits = 1, .values = {"no", "yes"}},
	{.name = "watching", .shift = 16, .bits = 1, .values = {"no", "yes"}},
	{.name = "count", .shift = 16, .bits = 16},
	{.name = NULL},
};
