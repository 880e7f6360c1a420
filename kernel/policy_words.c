/* SPDX-License-Identifier: MIT */
/*
 * See policy_words.h.
 */
#include "kernel/policy_words.h"

void text_add_policy_words(struct text *text, const struct policy_word *words, u64 shared, u64 own)
{
	if (!words)
		text_add(text, "no word");
	for (const struct policy_word *word = words; word && word->name; word++) {
		u64 value = (word->own ? own : shared) >> word->shift & (BIT(word->bits) - 1);
		const char *name = value < POLICY_WORD_VALUES ? word->values[value] : NULL;

		text_add(text, "%s%s=", word == words ? "" : " ", word->name);
		if (name)
			text_add(text, "%s", name);
		else
			text_add(text, "%lu", value);
	}
}
