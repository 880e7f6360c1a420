// sources: kernel/font/psf.c
/* SPDX-License-Identifier: MIT */
/*
 * Font files: the two that the kernel carries, whose letters are compared with drawings made by
 * eye, headers that lie in each field, and random bytes. The file under test always ends where its
 * memory ends, so that one byte read beyond it is a report of ASan.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/font/psf.h"

static u8 *read_file(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	u8 *bytes;

	if (!file)
		fail_msg("%s: not there; host tests run from the root of the repository", path);
	fseek(file, 0, SEEK_END);
	*length = (size_t)ftell(file);
	rewind(file);
	bytes = malloc(*length);
	assert_int_equal(fread(bytes, 1, *length, file), *length);
	fclose(file);
	return bytes;
}

/* Every byte of every glyph is read: they must lie within the file. */
static unsigned sum_glyphs(const struct psf_font *font)
{
	unsigned sum = 0;

	for (u32 i = 0; i < font->nr * font->row_bytes * font->height; i++)
		sum += font->glyphs[i];
	for (u32 c = 0; c < 256; c++)
		sum += psf_glyph(font, (u8)c)[font->row_bytes * font->height - 1];
	return sum;
}

static void the_small_font_draws_letters(void **state)
{
	static const char *const letter_l[] = {"        ", "        ", "##      ", "##      ",
					       "##      ", "##      ", "##      ", "##      ",
					       "##      ", "##      ", "##      ", " ###### ",
					       "        ", "        ", "        ", "        "};
	struct psf_font font;
	size_t length;
	u8 *file = read_file("kernel/font/spleen-8x16.psf", &length);

	(void)state;
	assert_null(psf_parse(file, length, &font));
	assert_int_equal(font.width, 8);
	assert_int_equal(font.height, 16);
	assert_int_equal(font.nr, 512);
	sum_glyphs(&font);
	for (int y = 0; y < 16; y++)
		for (int x = 0; x < 8; x++)
			assert_int_equal(psf_glyph(&font, 'L')[y] >> (7 - x) & 1,
					 letter_l[y][x] == '#');
	free(file);
}

static void the_large_font_draws_letters(void **state)
{
	struct psf_font font;
	size_t length;
	u8 *file = read_file("kernel/font/spleen-16x32.psf", &length);
	const u8 *bar;

	(void)state;
	assert_null(psf_parse(file, length, &font));
	assert_int_equal(font.width, 16);
	assert_int_equal(font.height, 32);
	assert_int_equal(font.row_bytes, 2);
	sum_glyphs(&font);

	/* '|' is one upright bar: the same bits in every row that has any, and nothing else. */
	bar = psf_glyph(&font, '|');
	for (int y = 4; y < 28; y++)
		assert_memory_equal(bar + 2 * y, bar + 2 * 15, 2);
	assert_int_equal(__builtin_popcount((unsigned)(bar[30] << 8 | bar[31])), 2);
	for (int i = 0; i < 64; i++)
		assert_int_equal(psf_glyph(&font, ' ')[i], 0);
	free(file);
}

/* A file made up of a header and LENGTH bytes in all, at the end of its memory. */
static const char *parse_copy(const void *header, size_t header_length, size_t length)
{
	u8 *file = malloc(length ? length : 1);
	struct psf_font font;
	const char *error;

	memset(file, 0xaa, length);
	memcpy(file, header, header_length < length ? header_length : length);
	error = psf_parse(file, length, &font);
	if (!error)
		sum_glyphs(&font);
	free(file);
	return error;
}

static void version_1_headers_are_checked(void **state)
{
	static const struct {
		u8 mode, height;
		size_t length;
		const char *error;
	} cases[] = {
		{0, 16, 4 + 256 * 16, NULL},
		{0, 16, 4 + 256 * 16 - 1, "PSF1: glyphs beyond the end of the file"},
		{1, 16, 4 + 512 * 16, NULL},
		{3, 16, 4 + 512 * 16 - 1, "PSF1: glyphs beyond the end of the file"},
		{2, 64, 4 + 256 * 64 + 99, NULL},
		{0, 1, 4 + 256, NULL},
		{0, 0, 99999, "PSF1: the height must be 1..64"},
		{0, 65, 99999, "PSF1: the height must be 1..64"},
		{0, 16, 4, "PSF1: glyphs beyond the end of the file"},
		{0, 16, 3, "font: shorter than any header"},
		{0, 16, 0, "font: shorter than any header"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		u8 header[4] = {0x36, 0x04, cases[i].mode, cases[i].height};
		const char *error = parse_copy(header, 4, cases[i].length);

		if (!cases[i].error)
			assert_null(error);
		else
			assert_string_equal(error, cases[i].error);
	}
}

static void version_2_headers_are_checked(void **state)
{
	enum { MAGIC, VERSION, HEADER, FLAGS, NR, BYTES, HEIGHT, WIDTH };
	static const struct {
		int field;
		u32 value;
		size_t length;
		const char *error;
	} cases[] = {
		/* a good one has 300 glyphs of 12x20: 40 bytes each, behind 40 bytes of header */
		{FLAGS, 1, 40 + 300 * 40, NULL},
		{FLAGS, 1, 40 + 300 * 40 - 1, "PSF2: glyphs beyond the end of the file"},
		{MAGIC, 0x864ab573, 99999, "font: neither PSF1 nor PSF2"},
		{VERSION, 1, 99999, "PSF2: the version must be 0"},
		{HEADER, 32, 32 + 300 * 40, NULL},
		{HEADER, 31, 99999, "PSF2: the header's size is wrong"},
		{HEADER, 100000, 99999, "PSF2: the header's size is wrong"},
		{HEADER, 0xffffffff, 99999, "PSF2: the header's size is wrong"},
		{HEADER, 99999, 99999, "PSF2: glyphs beyond the end of the file"},
		{NR, 0, 99999, "PSF2: no glyphs"},
		{NR, 0xffffffff, 99999, "PSF2: glyphs beyond the end of the file"},
		{NR, 0x66666667, 99999, "PSF2: glyphs beyond the end of the file"},
		{NR, 1, 80, NULL},
		{NR, 60, 99999, NULL},
		{BYTES, 39, 99999, "PSF2: the size of a glyph is not height * width"},
		{BYTES, 0, 99999, "PSF2: the size of a glyph is not height * width"},
		{HEIGHT, 0, 99999, "PSF2: the height must be 1..64"},
		{HEIGHT, 0x80000014, 99999, "PSF2: the height must be 1..64"},
		{HEIGHT, 19, 99999, "PSF2: the size of a glyph is not height * width"},
		{WIDTH, 0, 99999, "PSF2: the width must be 1..64"},
		{WIDTH, 0xffffffff, 99999, "PSF2: the width must be 1..64"},
		{WIDTH, 8, 99999, "PSF2: the size of a glyph is not height * width"},
		{WIDTH, 16, 99999, NULL},
		{FLAGS, 1, 31, "PSF2: shorter than its header"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		u32 header[8] = {0x864ab572, 0, 40, 0, 300, 40, 20, 12};
		const char *error;

		header[cases[i].field] = cases[i].value;
		error = parse_copy(header, sizeof(header), cases[i].length);
		if (!cases[i].error)
			assert_null(error);
		else
			assert_string_equal(error, cases[i].error);
	}
}

static void random_headers_never_lead_outside(void **state)
{
	unsigned accepted = 0;

	(void)state;
	srand48(3);
	for (int round = 0; round < 200000; round++) {
		u32 header[8];

		for (int i = 0; i < 8; i++)
			header[i] = (u32)mrand48() >> (lrand48() % 32);
		if (round % 2) {
			header[0] = 0x864ab572;
			header[1] = 0;
			header[5] = header[6] * ((header[7] + 7) / 8);
		} else {
			header[0] = 0x0436 | header[0] << 16;
		}
		accepted += !parse_copy(header, sizeof(header), (size_t)(lrand48() % 5000));
	}
	assert_true(accepted > 1000);
}

static void characters_without_a_glyph_have_a_stand_in(void **state)
{
	static const u8 bytes[256];
	struct psf_font font = {bytes, 100, 8, 1, 1};

	(void)state;
	assert_ptr_equal(psf_glyph(&font, 99), bytes + 99);
	assert_ptr_equal(psf_glyph(&font, 100), bytes + '?');
	font.nr = '?';
	assert_ptr_equal(psf_glyph(&font, 200), bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_small_font_draws_letters),
		cmocka_unit_test(the_large_font_draws_letters),
		cmocka_unit_test(version_1_headers_are_checked),
		cmocka_unit_test(version_2_headers_are_checked),
		cmocka_unit_test(random_headers_never_lead_outside),
		cmocka_unit_test(characters_without_a_glyph_have_a_stand_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
