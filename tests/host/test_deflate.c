// sources: kernel/deflate.c
// flags: -Wl,--no-as-needed -lz
/* SPDX-License-Identifier: MIT */
/*
 * The compressor, judged by zlib, which reads the stream back and checks its sum: every byte value,
 * every length of a match, near and far ones, and what does not fit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "kernel/deflate.h"

#define ROOM (2 * DEFLATE_INPUT_MAX)

static u8 in[DEFLATE_INPUT_MAX + 1], packed[ROOM], back[DEFLATE_INPUT_MAX + 1];

/* Packs the first N bytes of in[] and has zlib read them; returns the packed size. */
static size_t there_and_back(size_t n)
{
	size_t size = zlib_compress(in, n, packed, sizeof(packed));
	uLongf length = sizeof(back);

	assert_in_range(size, 8, sizeof(packed));
	assert_int_equal(uncompress(back, &length, packed, size), Z_OK);
	assert_int_equal(length, n);
	assert_memory_equal(in, back, n);
	return size;
}

static void fill_at_random(size_t n, u32 values)
{
	for (size_t i = 0; i < n; i++)
		in[i] = (u8)(random() % values);
}

static void short_ones(void **state)
{
	(void)state;
	memcpy(in, "aaaaaaaa", 8);
	for (size_t n = 0; n <= 8; n++)
		there_and_back(n);
	for (u32 byte = 0; byte < 256; byte++) {
		in[0] = (u8)byte;
		there_and_back(1);
	}
}

/* A match of each length, at the nearest distance and behind every byte value once. */
static void each_length(void **state)
{
	(void)state;
	for (size_t length = 1; length <= 600; length++) {
		memset(in, 'x', length + 1);
		assert_true(there_and_back(length + 1) < 24);
		for (u32 byte = 0; byte < 256; byte++)
			in[byte] = (u8)byte;
		for (size_t i = 0; i < length; i++)
			in[256 + i] = (u8)(i % 256);
		there_and_back(256 + length);
	}
}

/* One piece, then noise up to each distance around every code's limits, then the piece again. */
static void each_distance(void **state)
{
	static const char piece[] = "a piece that noise of few values does not have";

	(void)state;
	srandom(1);
	for (size_t limit = 64; limit <= 65536; limit *= 2)
		for (size_t distance = limit - 2; distance <= limit + 2; distance++) {
			if (distance + sizeof(piece) > DEFLATE_INPUT_MAX)
				continue;
			fill_at_random(distance, 4);
			memcpy(in, piece, sizeof(piece));
			memcpy(in + distance, piece, sizeof(piece));
			there_and_back(distance + sizeof(piece));
		}
}

/* What it is for: text that repeats its keys gets much shorter; noise gets a little longer. */
static void the_gain(void **state)
{
	size_t n = 0;

	(void)state;
	for (u32 i = 0; n + 64 < DEFLATE_INPUT_MAX; i++)
		n += (size_t)sprintf((char *)in + n, "{\"record\":\"purge\",\"pages\":%u},", i);
	assert_true(there_and_back(n) < n / 4);
	srandom(2);
	fill_at_random(DEFLATE_INPUT_MAX, 256);
	assert_true(there_and_back(DEFLATE_INPUT_MAX) < DEFLATE_INPUT_MAX * 9 / 8);
}

static void no_room(void **state)
{
	size_t size;

	(void)state;
	srandom(3);
	fill_at_random(1000, 9);
	size = there_and_back(1000);
	assert_int_equal(zlib_compress(in, 1000, packed, size), size);
	memset(packed, 0xee, sizeof(packed));
	for (size_t less = 0; less < size; less++) {
		assert_int_equal(zlib_compress(in, 1000, packed, less), 0);
		assert_int_equal(packed[less], 0xee);
		memset(packed, 0xee, less);
	}
	assert_int_equal(zlib_compress(in, DEFLATE_INPUT_MAX + 1, packed, sizeof(packed)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_ones),	 cmocka_unit_test(each_length),
		cmocka_unit_test(each_distance), cmocka_unit_test(the_gain),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
