/* SPDX-License-Identifier: MIT */
/*
 * The search, see search.h. The frontier holds whole states, packed; what lies behind it only the
 * hash, and for each state its predecessor and the action that led to it, for the schedules.
 */
#include "tests/explorer/search.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "tests/explorer/actors.h"
#include "tests/explorer/explored.h"
#include "tests/explorer/hook.h"
#include "tests/explorer/schedule.h"
#include "tests/explorer/uses.h"

#define HUGE_PAGE (2UL << 20)

static struct search *search;
static bool ends_early;

/* --- Seen states ----------------------------------------------------------------------------- */

static struct {
	u64 *keys; /* open addressing; 0: free */
	u64 size;  /* a power of two */
	u64 used;
} seen;

static u64 word_at(const u8 *bytes)
{
	u64 word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* The product of two 64-bit numbers, its halves folded together: wyhash's step, public domain. */
static u64 folded(u64 a, u64 b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (u64)product ^ (u64)(product >> 64);
}

static u64 hash(const u8 *bytes, size_t length)
{
	u64 h = length * 0x9e3779b97f4a7c15UL;
	u8 rest[16] = {0};

	for (; length >= sizeof(rest); bytes += sizeof(rest), length -= sizeof(rest))
		h = folded(word_at(bytes) ^ 0xff51afd7ed558ccdUL, word_at(bytes + 8) ^ h);
	memcpy(rest, bytes, length);
	h = folded(word_at(rest) ^ 0xff51afd7ed558ccdUL, word_at(rest + 8) ^ h);
	h = folded(h ^ 0xc4ceb9fe1a85ec53UL, 0x9e3779b97f4a7c15UL);
	return h ? h : 1;
}

static void *must(void *memory)
{
	if (!memory)
		explorer_fail("out of memory after %lu states", search->states);
	return memory;
}

/* Zeroed, in huge pages if there are any: keys are looked up all over it. */
static u64 *new_keys(u64 nr)
{
	size_t bytes = nr * sizeof(u64);
	u64 *keys = bytes % HUGE_PAGE ? malloc(bytes) : aligned_alloc(HUGE_PAGE, bytes);

	if (!keys)
		return NULL;
	if (bytes % HUGE_PAGE == 0)
		madvise(keys, bytes, MADV_HUGEPAGE);
	memset(keys, 0, bytes);
	return keys;
}

static bool insert(u64 key)
{
	u64 i = key & (seen.size - 1);

	while (seen.keys[i] && seen.keys[i] != key)
		i = (i + 1) & (seen.size - 1);
	if (seen.keys[i])
		return false;
	seen.keys[i] = key;
	seen.used++;
	return true;
}

static bool insert_growing(u64 key)
{
	u64 *old = seen.keys;
	u64 old_size = seen.size;

	if (seen.used * 2 >= seen.size) {
		seen.size = old_size ? old_size * 2 : 1 << 16;
		seen.keys = must(new_keys(seen.size));
		seen.used = 0;
		for (u64 i = 0; i < old_size; i++)
			if (old[i])
				insert(old[i]);
		free(old);
	}
	return insert(key);
}

/* --- The way to each state ------------------------------------------------------------------- */

static struct {
	u32 *parent;
	u8 *action;
	u64 room;
} way;

static void remember_way(u64 index, u32 parent, u8 action)
{
	if (index >= way.room) {
		way.room = way.room ? way.room * 2 : 1 << 16;
		way.parent = must(realloc(way.parent, way.room * sizeof(u32)));
		way.action = must(realloc(way.action, way.room));
	}
	way.parent[index] = parent;
	way.action[index] = action;
}

/* --- Findings -------------------------------------------------------------------------------- */

static u32 at_state; /* being expanded */
static u8 at_action; /* by which */

static void note_finding(enum context context, enum effect effect, const struct finding *finding)
{
	struct conviction *c = &search->convictions[context][effect];
	u32 depth = 0;

	if (c->finding.found)
		return;
	c->finding = *finding;
	c->states = search->states;
	for (u32 i = at_state; i; i = way.parent[i])
		depth++;
	if (depth + 1 > MAX_SCHEDULE)
		explorer_fail("a schedule is longer than %d actions", MAX_SCHEDULE);
	c->nr_actions = depth + 1;
	c->actions[depth] = at_action;
	for (u32 i = at_state; i; i = way.parent[i])
		c->actions[--depth] = way.action[i];
	if (ends_early &&
	    !explored_claim(hook_policy(), context_word(context), effect_word(effect)))
		search->convicted = true;
}

/* --- The frontier ---------------------------------------------------------------------------- */

struct level {
	u8 *bytes;
	size_t used, room;
	u32 first, nr; /* states, numbered */
};

static void level_add(struct level *level, const u8 *bytes, size_t length)
{
	if (level->used + length + 2 > level->room) {
		level->room = (level->room + length) * 2 + (1 << 16);
		level->bytes = must(realloc(level->bytes, level->room));
	}
	level->bytes[level->used++] = (u8)length;
	level->bytes[level->used++] = (u8)(length >> 8);
	memcpy(level->bytes + level->used, bytes, length);
	level->used += length;
	level->nr++;
}

static bool anybody_waits(const struct state *s)
{
	for (u32 cpu = 0; cpu < bounds_now->initiators; cpu++)
		if (s->cpus[cpu].frames[0].at != INIT_NEXT)
			return true;
	return false;
}

/* A state that an action leads to. */
struct successor {
	u64 key;
	const u8 *packed;
	u32 length;
	u8 action;
};

/* First all successors, then the look for each in the table: it is on its way to the cache then. */
static void expand(struct level *next, const struct state *from)
{
	static u8 packed[MAX_ACTIONS * PACKED_MAX];
	static struct state s;
	struct successor found[MAX_ACTIONS];
	u8 actions[MAX_ACTIONS];
	u32 nr = bounds_now->sequential ? model_sequential_actions(from, actions)
					: model_actions(from, actions);
	u32 nr_found = 0;
	u8 *at = packed;

	if (!nr && anybody_waits(from))
		oracle_stuck(from, 0);
	for (u32 i = 0; i < nr; i++) {
		struct successor *one = &found[nr_found];

		state_copy(&s, from);
		at_action = actions[i];
		search->transitions++;
		if (model_apply(&s, actions[i], NULL))
			continue;
		one->action = actions[i];
		one->packed = at;
		one->length = (u32)state_pack(&s, at);
		one->key = hash(at, one->length);
		__builtin_prefetch(&seen.keys[one->key & (seen.size - 1)], 1);
		at += one->length;
		nr_found++;
	}
	for (u32 i = 0; i < nr_found; i++) {
		const struct successor *one = &found[i];

		if (!bounds_now->sequential && !insert_growing(one->key))
			continue;
		remember_way(search->states, at_state, one->action);
		search->states++;
		level_add(next, one->packed, one->length);
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void search_levels(struct level *level, struct level *next, u64 limit)
{
	static struct state s;

	while (level->nr) {
		size_t at = 0;

		next->used = 0;
		next->nr = 0;
		next->first = (u32)search->states;
		for (u32 i = 0; i < level->nr; i++) {
			size_t length = level->bytes[at] | (size_t)level->bytes[at + 1] << 8;

			if (search->states >= limit || search->convicted || uses_were_wrong())
				return;
			state_unpack(&s, level->bytes + at + 2);
			at += 2 + length;
			at_state = level->first + i;
			expand(next, &s);
		}
		search->depth++;
		struct level swap = *level;

		*level = *next;
		*next = swap;
	}
	search->complete = !search->convicted;
}

/* Once; uses.h tells whether it has to be done again. */
static void search_once(struct search *result, bool two_roots, u64 limit, bool early)
{
	struct level level = {0}, next = {0};
	u8 packed[PACKED_MAX];
	struct state s;
	size_t length;

	search = result;
	ends_early = early;
	*search = (struct search){0};
	memset(&seen, 0, sizeof(seen));
	uses_begin();
	model_found = note_finding;
	model_begin(&s, two_roots);
	length = state_pack(&s, packed);
	insert_growing(hash(packed, length));
	remember_way(0, 0, 0);
	search->states = 1;
	level_add(&level, packed, length);
	search_levels(&level, &next, limit);
	free(level.bytes);
	free(next.bytes);
	free(seen.keys);
	model_found = NULL;
}

void search_all(struct search *result, bool two_roots, u64 limit, bool early)
{
	double start = now();

	if (limit > 0xffffffffUL)
		explorer_fail("at most 2^32 - 1 states can be explored");
	do
		search_once(result, two_roots, limit, early);
	while (uses_were_wrong());
	result->seconds = now() - start;
}
