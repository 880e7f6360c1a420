/* SPDX-License-Identifier: MIT */
/*
 * See words.h.
 */
#include "tests/explorer/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/explorer/hook.h"
#include "tests/explorer/op.h"

/* The tables are of the first 64 bits of a CPU's shared words, and of its own ones. */
#define TABLE_BYTES 8

static struct {
	char bytes[96];
	size_t used;
} text;

__attribute__((format(printf, 1, 2))) static void add(const char *format, ...)
{
	size_t room = sizeof(text.bytes) - text.used;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text.bytes + text.used, room, format, args);
	va_end(args);
	if (n > 0)
		text.used += (size_t)n < room ? (size_t)n : room - 1;
}

/* Those of the fields at OFFSET that have a name for what they hold. */
static void add_fields(bool own, u64 offset, u64 size, u64 value, const char *known)
{
	const struct policy_word *word = hook_policy()->words;

	for (; word && word->name; word++) {
		u64 first = word->shift, beyond = first + word->bits, field;

		if (word->own != own || first < offset * 8 || beyond > (offset + size) * 8)
			continue;
		field = value >> (first - offset * 8) & (BIT(word->bits) - 1);
		if (field >= POLICY_WORD_VALUES || !word->values[field])
			continue;
		if (strcmp(word->name, known) == 0)
			add("%s%s", text.used ? " " : "", word->values[field]);
		else
			add("%s%s=%s", text.used ? " " : "", word->name, word->values[field]);
	}
}

const char *words_meaning(const void *addr, u64 size, u64 value, unsigned int reader,
			  const char *known)
{
	static char out[sizeof(text.bytes) + 16];
	bool shared;
	u8 cpu = cell_owner(addr, &shared);
	u64 offset;

	if (cpu == CELL_GLOBAL)
		return "";
	text.used = 0;
	text.bytes[0] = 0;
	offset = (u64)addr - (u64)(shared ? op_shared_words(cpu) : op_own_words(cpu));
	if (offset < TABLE_BYTES)
		add_fields(!shared, offset, size, value, known);
	if (cpu != reader)
		snprintf(out, sizeof(out), " (CPU %u%s%s)", cpu, text.used ? ": " : "", text.bytes);
	else
		snprintf(out, sizeof(out), text.used ? " (%s)" : "%s", text.bytes);
	return out;
}
