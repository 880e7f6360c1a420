/* SPDX-License-Identifier: MIT */
/*
 * See deflate.h. What was there before within 32 KiB is found by the hash of its first three
 * bytes: first[] has the last place of each hash, before[] for each place the one before it with
 * the same hash. Places are counted from 1; 0 is none.
 */
#include "kernel/deflate.h"

#include "arch/x86_64/string.h"

#define MATCH_MIN   3
#define MATCH_MAX   258
#define WINDOW	    32768
#define HASH_BITS   12
#define TRIES	    128 /* earlier places that are looked at: more gain little */
#define END_OF_DATA 256
#define LENGTH_BASE 257 /* the code of the first row of lengths[] */

#define ADLER_MODULUS 65521

/* RFC 1951, 3.2.5: the first value of each code, and the bits that follow it. */
struct code_row {
	u16 from;
	u8 bits;
};

static const struct code_row lengths[] = {
	{3, 0},	  {4, 0},   {5, 0},   {6, 0},	{7, 0},	  {8, 0},  {9, 0},  {10, 0},
	{11, 1},  {13, 1},  {15, 1},  {17, 1},	{19, 2},  {23, 2}, {27, 2}, {31, 2},
	{35, 3},  {43, 3},  {51, 3},  {59, 3},	{67, 4},  {83, 4}, {99, 4}, {115, 4},
	{131, 5}, {163, 5}, {195, 5}, {227, 5}, {258, 0},
};

static const struct code_row distances[] = {
	{1, 0},	    {2, 0},	{3, 0},	    {4, 0},	 {5, 1},      {7, 1},
	{9, 2},	    {13, 2},	{17, 3},    {25, 3},	 {33, 4},     {49, 4},
	{65, 5},    {97, 5},	{129, 6},   {193, 6},	 {257, 7},    {385, 7},
	{513, 8},   {769, 8},	{1025, 9},  {1537, 9},	 {2049, 10},  {3073, 10},
	{4097, 11}, {6145, 11}, {8193, 12}, {12289, 12}, {16385, 13}, {24577, 13},
};

static u16 first[1 << HASH_BITS];
static u16 before[DEFLATE_INPUT_MAX];

struct bits {
	u8 *out;
	size_t used, size;
	u32 pending, nr_pending;
	bool full;
};

static void put_byte(struct bits *b, u8 byte)
{
	b->full = b->full || b->used == b->size;
	if (!b->full)
		b->out[b->used++] = byte;
}

/* NR bits, the lowest first: how numbers are stored. */
static void put_bits(struct bits *b, u32 value, u32 nr)
{
	b->pending |= value << b->nr_pending;
	for (b->nr_pending += nr; b->nr_pending >= 8; b->nr_pending -= 8, b->pending >>= 8)
		put_byte(b, (u8)b->pending);
}

/* NR bits, the highest first: how codes are stored. */
static void put_code(struct bits *b, u32 code, u32 nr)
{
	while (nr--)
		put_bits(b, code >> nr & 1, 1);
}

/* A byte, END_OF_DATA, or a length (RFC 1951, 3.2.6). */
static void put_symbol(struct bits *b, u32 symbol)
{
	if (symbol < 144)
		put_code(b, 0x30 + symbol, 8);
	else if (symbol < 256)
		put_code(b, 0x190 + symbol - 144, 9);
	else if (symbol < 280)
		put_code(b, symbol - 256, 7);
	else
		put_code(b, 0xc0 + symbol - 280, 8);
}

/* The last row that begins at or below VALUE. */
static u32 row_of(const struct code_row *rows, u32 nr, u32 value)
{
	u32 row = nr - 1;

	while (rows[row].from > value)
		row--;
	return row;
}

static void put_match(struct bits *b, size_t length, size_t distance)
{
	u32 l = row_of(lengths, ARRAY_SIZE(lengths), (u32)length);
	u32 d = row_of(distances, ARRAY_SIZE(distances), (u32)distance);

	put_symbol(b, LENGTH_BASE + l);
	put_bits(b, (u32)length - lengths[l].from, lengths[l].bits);
	put_code(b, d, 5);
	put_bits(b, (u32)distance - distances[d].from, distances[d].bits);
}

static u32 hash_of(const u8 *at)
{
	u32 word = at[0] | (u32)at[1] << 8 | (u32)at[2] << 16;

	return word * 0x9e3779b1u >> (32 - HASH_BITS);
}

static void remember(const u8 *in, size_t n, size_t at)
{
	u32 hash;

	if (n - at < MATCH_MIN)
		return;
	hash = hash_of(in + at);
	before[at] = first[hash];
	first[hash] = (u16)(at + 1);
}

/* The longest piece that begins at AT and was there before; 0 if none is long enough. */
static size_t longest(const u8 *in, size_t n, size_t at, size_t *distance)
{
	size_t most = min(n - at, (size_t)MATCH_MAX);
	size_t best = MATCH_MIN - 1;
	u32 place;

	if (most < MATCH_MIN)
		return 0;
	place = first[hash_of(in + at)];
	for (u32 tries = 0; place && tries < TRIES; tries++, place = before[place - 1]) {
		size_t from = place - 1, length = 0;

		if (at - from > WINDOW)
			break;
		while (length < most && in[from + length] == in[at + length])
			length++;
		if (length > best) {
			best = length;
			*distance = at - from;
		}
	}
	return best < MATCH_MIN ? 0 : best;
}

static u32 adler32(const u8 *in, size_t n)
{
	u32 a = 1, b = 0;

	for (size_t i = 0; i < n; i++) {
		a = (a + in[i]) % ADLER_MODULUS;
		b = (b + a) % ADLER_MODULUS;
	}
	return b << 16 | a;
}

size_t zlib_compress(const u8 *in, size_t n, u8 *out, size_t size)
{
	struct bits b = {.out = out, .size = size};
	u32 sum = adler32(in, n);
	size_t at = 0;

	if (n > DEFLATE_INPUT_MAX)
		return 0;
	memset(first, 0, sizeof(first));
	put_byte(&b, 0x78); /* deflate, a window of 32 KiB; the two bytes are a multiple of 31 */
	put_byte(&b, 0x01);
	put_bits(&b, 1, 1); /* the last block, */
	put_bits(&b, 1, 2); /* of fixed codes */
	while (at < n) {
		size_t distance, length = longest(in, n, at, &distance);

		if (length)
			put_match(&b, length, distance);
		else
			put_symbol(&b, in[at]);
		for (size_t end = at + max(length, (size_t)1); at < end; at++)
			remember(in, n, at);
	}
	put_symbol(&b, END_OF_DATA);
	put_bits(&b, 0, b.nr_pending ? 8 - b.nr_pending : 0);
	for (u32 i = 4; i--;)
		put_byte(&b, (u8)(sum >> 8 * i));
	return b.full ? 0 : b.used;
}
