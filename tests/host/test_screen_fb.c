// sources: kernel/screen.c kernel/screen_fb.c kernel/font/psf.c
/* SPDX-License-Identifier: MIT */
/*
 * The framebuffer screen in memory that ends where the framebuffer ends, so that a pixel outside is
 * a report of ASan. What is seen is computed a second time here: the font's bits are taken from the
 * file at their documented places, colours are read back field by field, and everything between the
 * pixels (the ends of the lines, spare bits) must be as it was.
 *
 * `test_screen_fb ppm FILE WIDTH HEIGHT < TEXT` draws a picture instead.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/font/font.h"
#include "kernel/screen.h"
#include "tests/host/host_log.h"

/* What kernel/font/font.asm does for the kernel. */
__asm__(".pushsection .rodata\n"
	".globl font_spleen_8x16, font_spleen_8x16_end\n"
	".globl font_spleen_16x32, font_spleen_16x32_end\n"
	"font_spleen_8x16: .incbin \"kernel/font/spleen-8x16.psf\"\n"
	"font_spleen_8x16_end:\n"
	"font_spleen_16x32: .incbin \"kernel/font/spleen-16x32.psf\"\n"
	"font_spleen_16x32_end:\n"
	".popsection");

#define UNTOUCHED 0x5c

struct layout {
	const char *name;
	u8 bpp;
	struct colour_bits red, green, blue;
};

static const struct layout layouts[] = {
	{"xrgb8888", 32, {16, 8}, {8, 8}, {0, 8}},
	{"bgrx8888", 32, {8, 8}, {16, 8}, {24, 8}},
	{"rgb888", 24, {16, 8}, {8, 8}, {0, 8}},
	{"bgr888", 24, {0, 8}, {8, 8}, {16, 8}},
	{"rgb565", 16, {11, 5}, {5, 6}, {0, 5}},
	{"rgb555", 15, {10, 5}, {5, 5}, {0, 5}},
	{"xrgb2101010", 32, {20, 10}, {10, 10}, {0, 10}},
};

static struct framebuffer_desc describe(const struct layout *layout, u32 width, u32 height,
					u32 spare)
{
	return (struct framebuffer_desc){.pitch = width * ((layout->bpp + 7U) / 8) + spare,
					 .width = width,
					 .height = height,
					 .bpp = layout->bpp,
					 .red = layout->red,
					 .green = layout->green,
					 .blue = layout->blue};
}

static u8 *new_memory(const struct framebuffer_desc *fb)
{
	size_t length = (size_t)fb->pitch * fb->height;
	u8 *memory = malloc(length ? length : 1);

	assert_non_null(memory);
	memset(memory, UNTOUCHED, length);
	return memory;
}

static u32 pixel_at(const struct framebuffer_desc *fb, const u8 *memory, u32 x, u32 y)
{
	u32 bytes = (fb->bpp + 7U) / 8, value = 0;

	for (u32 i = 0; i < bytes; i++)
		value |= (u32)memory[(size_t)y * fb->pitch + (size_t)x * bytes + i] << (8 * i);
	return value;
}

/* Is the pixel X, Y of the glyph of C set? 8x16: PSF1, 4 bytes of header; 16x32: PSF2, 32. */
static bool font_bit(bool large, char c, u32 x, u32 y)
{
	if (large)
		return font_spleen_16x32[32 + c * 64 + (int)y * 2 + (int)x / 8] & 128 >> x % 8;
	return font_spleen_8x16[4 + c * 16 + (int)y] & 128 >> x;
}

/* Grey of about 0xb8: each colour near 0.72 of its own maximum, and no bit outside the three. */
static void assert_ink(const struct framebuffer_desc *fb, u32 pixel)
{
	const struct colour_bits *fields[] = {&fb->red, &fb->green, &fb->blue};
	u32 rest = pixel;

	for (int i = 0; i < 3; i++) {
		u32 top = (1U << fields[i]->size) - 1;
		u32 value = pixel >> fields[i]->position & top;

		assert_in_range(value * 100 / top, 68, 76);
		rest &= ~(top << fields[i]->position);
	}
	assert_int_equal(rest, 0);
}

/* The picture must be exactly TEXT, whose lines fill the grid from the top left. */
static void assert_picture(const struct framebuffer_desc *fb, const u8 *memory, const char *text)
{
	bool large = fb->width >= 1920;
	u32 font_width = large ? 16 : 8, font_height = large ? 32 : 16;
	u32 cols = fb->width / font_width, rows = fb->height / font_height;
	u32 bytes = (fb->bpp + 7U) / 8;
	char *grid;

	cols = cols > 320 ? 320 : cols;
	rows = rows > 100 ? 100 : rows;
	grid = malloc((size_t)cols * rows);
	memset(grid, ' ', (size_t)cols * rows);
	for (u32 row = 0, col = 0; *text; text++) {
		if (*text == '\n') {
			row++;
			col = 0;
		} else {
			grid[row * cols + col++] = *text;
		}
	}

	for (u32 y = 0; y < fb->height; y++) {
		for (u32 x = 0; x < fb->width; x++) {
			u32 col = x / font_width, row = y / font_height;
			u32 pixel = pixel_at(fb, memory, x, y);

			if (col < cols && row < rows &&
			    font_bit(large, grid[row * cols + col], x % font_width,
				     y % font_height))
				assert_ink(fb, pixel);
			else if (pixel)
				fail_msg("pixel %u,%u is %#x, not black", x, y, pixel);
		}
		for (u32 i = fb->width * bytes; i < fb->pitch; i++)
			assert_int_equal(memory[(size_t)y * fb->pitch + i], UNTOUCHED);
	}
	free(grid);
}

static void type(const char *text)
{
	screen_output.write(text, strlen(text));
}

static void every_layout_shows_the_fonts_bits(void **state)
{
	static const u32 sizes[][2] = {{8, 16},	   {15, 31},	{64, 48},
				       {641, 333}, {1920, 100}, {2048, 64}};
	static const u32 spares[] = {0, 1, 64};

	(void)state;
	for (size_t l = 0; l < ARRAY_SIZE(layouts); l++)
		for (size_t s = 0; s < ARRAY_SIZE(sizes); s++)
			for (size_t p = 0; p < ARRAY_SIZE(spares); p++) {
				struct framebuffer_desc fb = describe(&layouts[l], sizes[s][0],
								      sizes[s][1], spares[p]);
				u8 *memory = new_memory(&fb);
				const char *text = fb.width < 64 ? "Q" : "Ag|\n#~ y";

				assert_true(screen_fb_init(&fb, memory));
				assert_picture(&fb, memory, "");
				type(text);
				assert_picture(&fb, memory, text);
				free(memory);
			}
}

static void scrolled_text_stands_higher(void **state)
{
	struct framebuffer_desc fb = describe(&layouts[0], 100, 50, 12);
	u8 *memory = new_memory(&fb);

	(void)state;
	assert_true(screen_fb_init(&fb, memory));
	type("one\ntwo\nthree\nfour\nfive");
	assert_picture(&fb, memory, "three\nfour\nfive");
	free(memory);
}

/* Larger than the grid: the rest stays black. */
static void huge_screens_are_used_as_far_as_the_grid_goes(void **state)
{
	struct framebuffer_desc fb = describe(&layouts[4], 5200, 3300, 0);
	u8 *memory = new_memory(&fb);

	(void)state;
	assert_true(screen_fb_init(&fb, memory));
	for (int i = 0; i < 150; i++)
		type("\nx");
	assert_int_equal(pixel_at(&fb, memory, 5199, 3299), 0);
	free(memory);
}

static void unusable_framebuffers_are_refused_untouched(void **state)
{
	struct framebuffer_desc good = describe(&layouts[0], 64, 32, 0);
	struct framebuffer_desc cases[16];
	const char *const why[] = {
		"too small for one character",
		"too small for one character",
		"too small for one character",
		"lines overlap",
		"lines overlap",
		"bits a pixel must be",
		"bits a pixel must be",
		"bits a pixel must be",
		"a colour is not within",
		"a colour is not within",
		"a colour is not within",
		"a colour is not within",
		"too small for one character",
	};
	u8 *memory = new_memory(&good);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cases[i] = good;
	cases[0].width = 7;
	cases[1].height = 15;
	cases[2].width = cases[2].height = 0;
	cases[3].pitch = 255;
	cases[4].width = 0x40000010; /* times 4 bytes is 64 in 32 bits */
	cases[5].bpp = 8;
	cases[6].bpp = 0;
	cases[7].bpp = 64;
	cases[8].red.size = 0;
	cases[9].green.position = 25;
	cases[10].blue.size = 255;
	cases[11].red = (struct colour_bits){250, 8};
	cases[12].width = 1920;
	cases[12].pitch = 1920 * 4;
	cases[12].height = 31;
	for (size_t i = 0; i < ARRAY_SIZE(why); i++) {
		host_log_clear();
		assert_false(screen_fb_init(&cases[i], memory));
		assert_true(host_log_has(why[i]));
	}
	for (size_t i = 0; i < (size_t)good.pitch * good.height; i++)
		assert_int_equal(memory[i], UNTOUCHED);
	free(memory);
}

/* Any geometry, whatever is typed: ASan watches the memory's ends, this the space between lines. */
static void no_geometry_leads_outside(void **state)
{
	unsigned usable = 0;
	char text[3000];

	(void)state;
	srand48(9);
	for (int round = 0; round < 600; round++) {
		struct framebuffer_desc fb = describe(
			&layouts[(size_t)lrand48() % ARRAY_SIZE(layouts)],
			(u32)lrand48() % (round % 20 ? 120 : 2200), (u32)lrand48() % 120,
			(u32)lrand48() % 9);
		u8 *memory = new_memory(&fb);

		if (screen_fb_init(&fb, memory)) {
			usable++;
			for (size_t i = 0; i < sizeof(text); i++)
				text[i] = (char)(lrand48() % 10 ? lrand48() : '\n');
			screen_output.write(text, sizeof(text));
			for (u32 y = 0; y < fb.height; y++)
				for (u32 i = fb.width * ((fb.bpp + 7U) / 8); i < fb.pitch; i++)
					assert_int_equal(memory[(size_t)y * fb.pitch + i],
							 UNTOUCHED);
		}
		free(memory);
	}
	assert_true(usable > 300);
}

static bool is_dark(u32 x, u32 y)
{
	return (x * 3 + y) % 4 != 0;
}

/* White is every bit of the three colours, and no other. */
static u32 white_of(const struct framebuffer_desc *fb)
{
	return ((1U << fb->red.size) - 1) << fb->red.position |
	       ((1U << fb->green.size) - 1) << fb->green.position |
	       ((1U << fb->blue.size) - 1) << fb->blue.position;
}

/*
 * 160x160, ten rows: a picture has six of them at most, here three. The text above keeps its end
 * and scrolls on in the seven that are left.
 */
static void pictures_stand_below_the_text(void **state)
{
	(void)state;
	for (size_t l = 0; l < ARRAY_SIZE(layouts); l++) {
		struct framebuffer_desc fb = describe(&layouts[l], 160, 160, 5);
		u8 *memory = new_memory(&fb);

		assert_true(screen_fb_init(&fb, memory));
		assert_int_equal(screen_picture_limit(), 96);
		type("a\nb\nc\nd\ne\nf\ng\nh\ni\n");
		screen_picture(11, 4, is_dark);
		for (u32 y = 112; y < 160; y++)
			for (u32 x = 0; x < 160; x++) {
				bool inside = x < 44 && y < 156;
				bool white = inside && !is_dark(x / 4, (y - 112) / 4);

				assert_int_equal(pixel_at(&fb, memory, x, y),
						 white ? white_of(&fb) : 0);
			}
		for (u32 y = 112; y < 160; y++)
			memset(memory + (size_t)y * fb.pitch, 0, 160 * ((fb.bpp + 7U) / 8));
		assert_picture(&fb, memory, "d\ne\nf\ng\nh\ni");
		type("j\nk");
		assert_picture(&fb, memory, "e\nf\ng\nh\ni\nj\nk");
		free(memory);
	}
}

static int write_picture(const char *path, u32 width, u32 height)
{
	struct framebuffer_desc fb = describe(&layouts[0], width, height, 0);
	u8 *memory = new_memory(&fb);
	FILE *file = fopen(path, "wb");
	char text[65536];
	size_t n = fread(text, 1, sizeof(text), stdin);

	if (!file || !screen_fb_init(&fb, memory))
		return 1;
	screen_output.write(text, n);
	fprintf(file, "P6 %u %u 255\n", width, height);
	for (u32 y = 0; y < height; y++)
		for (u32 x = 0; x < width; x++) {
			u32 pixel = pixel_at(&fb, memory, x, y);
			u8 rgb[3] = {(u8)(pixel >> 16), (u8)(pixel >> 8), (u8)pixel};

			fwrite(rgb, 1, 3, file);
		}
	free(memory);
	return fclose(file);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_layout_shows_the_fonts_bits),
		cmocka_unit_test(scrolled_text_stands_higher),
		cmocka_unit_test(huge_screens_are_used_as_far_as_the_grid_goes),
		cmocka_unit_test(unusable_framebuffers_are_refused_untouched),
		cmocka_unit_test(no_geometry_leads_outside),
		cmocka_unit_test(pictures_stand_below_the_text),
	};

	if (argc == 5 && !strcmp(argv[1], "ppm"))
		return write_picture(argv[2], (u32)atoi(argv[3]), (u32)atoi(argv[4]));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
