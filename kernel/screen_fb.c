/* SPDX-License-Identifier: MIT */
/*
 * A linear framebuffer as the screen. Its geometry comes from the firmware by way of the loader, so
 * it is checked before the first pixel: once every line of width pixels is known to lie within its
 * pitch, a character inside the grid cannot lie outside the memory.
 */
#include "kernel/screen.h"

#include "arch/x86_64/log.h"
#include "arch/x86_64/string.h"
#include "kernel/font/font.h"
#include "kernel/font/psf.h"

#define LARGE_FONT_WIDTH 1920 /* pixels of the screen from which on 8x16 is too small to read */
#define GREY		 0xb8 /* of 255, in each colour */

static struct {
	u8 *base;
	u32 pitch;
	u32 pixel_bytes;
	u32 ink, white; /* values of a pixel; paper is 0 */
	struct psf_font font;
	struct screen_device device;
} fb;

static u32 scale(const struct colour_bits *bits, u32 of_255)
{
	u32 value = bits->size >= 8 ? of_255 << (bits->size - 8) : of_255 >> (8 - bits->size);

	return value << bits->position;
}

static u32 all_bits(const struct colour_bits *bits)
{
	return ((1U << bits->size) - 1) << bits->position;
}

static bool field_fits(const struct colour_bits *bits, u32 pixel_bits)
{
	return bits->size && bits->size <= 16 && bits->position + bits->size <= pixel_bits;
}

static const char *check(const struct framebuffer_desc *desc)
{
	u32 bytes = (desc->bpp + 7U) / 8;

	if (desc->bpp != 15 && desc->bpp != 16 && desc->bpp != 24 && desc->bpp != 32)
		return "bits a pixel must be 15, 16, 24 or 32";
	if (!field_fits(&desc->red, desc->bpp) || !field_fits(&desc->green, desc->bpp) ||
	    !field_fits(&desc->blue, desc->bpp))
		return "a colour is not within the pixel";
	if ((u64)desc->width * bytes > desc->pitch)
		return "lines overlap";
	return NULL;
}

static void put_pixel(u8 *at, u32 value)
{
	/* Constant sizes: each becomes one or two stores. Bytes beyond the pixel stay as they are.
	 */
	switch (fb.pixel_bytes) {
	case 2:
		__builtin_memcpy(at, &value, 2);
		break;
	case 3:
		__builtin_memcpy(at, &value, 3);
		break;
	default:
		__builtin_memcpy(at, &value, 4);
		break;
	}
}

static void draw(u32 col, u32 row, u8 c)
{
	const struct psf_font *font = &fb.font;
	const u8 *bits = psf_glyph(font, c);
	u8 *line = fb.base + (size_t)row * font->height * fb.pitch +
		   (size_t)col * font->width * fb.pixel_bytes;

	for (u32 y = 0; y < font->height; y++) {
		for (u32 x = 0; x < font->width; x++) {
			bool set = bits[x / 8] & (0x80 >> (x % 8));

			put_pixel(line + (size_t)x * fb.pixel_bytes, set ? fb.ink : 0);
		}
		bits += font->row_bytes;
		line += fb.pitch;
	}
}

static void fill(u32 x, u32 y, u32 size, bool white)
{
	for (u32 row = 0; row < size; row++) {
		u8 *at = fb.base + (size_t)(y + row) * fb.pitch + (size_t)x * fb.pixel_bytes;

		for (u32 i = 0; i < size; i++, at += fb.pixel_bytes)
			put_pixel(at, white ? fb.white : 0);
	}
}

static const char *load_font(u32 width)
{
	if (width >= LARGE_FONT_WIDTH)
		return psf_parse(font_spleen_16x32,
				 (size_t)(font_spleen_16x32_end - font_spleen_16x32), &fb.font);
	return psf_parse(font_spleen_8x16, (size_t)(font_spleen_8x16_end - font_spleen_8x16),
			 &fb.font);
}

bool screen_fb_init(const struct framebuffer_desc *desc, void *mapped)
{
	const char *error = check(desc);

	if (!error)
		error = load_font(desc->width);
	if (!error && (desc->width < fb.font.width || desc->height < fb.font.height))
		error = "too small for one character";
	if (error) {
		pr_warn("screen: framebuffer %ux%u, %u bits, pitch %u: %s", desc->width,
			desc->height, desc->bpp, desc->pitch, error);
		return false;
	}

	fb.base = mapped;
	fb.pitch = desc->pitch;
	fb.pixel_bytes = (desc->bpp + 7U) / 8;
	fb.ink = scale(&desc->red, GREY) | scale(&desc->green, GREY) | scale(&desc->blue, GREY);
	fb.white = all_bits(&desc->red) | all_bits(&desc->green) | all_bits(&desc->blue);
	fb.device.cols = min(desc->width / fb.font.width, (u32)SCREEN_MAX_COLS);
	fb.device.rows = min(desc->height / fb.font.height, (u32)SCREEN_MAX_ROWS);
	fb.device.draw = draw;
	fb.device.width = desc->width;
	fb.device.row_height = fb.font.height;
	fb.device.fill = fill;
	for (u32 y = 0; y < desc->height; y++)
		memset(fb.base + (size_t)y * fb.pitch, 0, (size_t)desc->width * fb.pixel_bytes);
	screen_start(&fb.device);
	return true;
}
