/* SPDX-License-Identifier: MIT */
/*
 * Font files. The sizes in a header are believed only after the glyphs they promise were found to
 * lie within the file; all products are of numbers that were bounded before.
 */
#include "kernel/font/psf.h"

#include "arch/x86_64/string.h"

#define PSF1_MAGIC    0x0436
#define PSF1_MODE_512 0x01
#define PSF2_MAGIC    0x864ab572

struct psf1_header {
	u16 magic;
	u8 mode;
	u8 height; /* and bytes of a glyph: the width is 8 */
};

struct psf2_header {
	u32 magic, version, header_size, flags;
	u32 nr, glyph_bytes, height, width;
};

static const char *psf1_parse(const u8 *file, size_t length, struct psf_font *font)
{
	struct psf1_header header;

	memcpy(&header, file, sizeof(header));
	if (!header.height || header.height > PSF_MAX_SIZE)
		return "PSF1: the height must be 1..64";
	font->glyphs = file + sizeof(header);
	font->nr = header.mode & PSF1_MODE_512 ? 512 : 256;
	font->width = 8;
	font->height = header.height;
	font->row_bytes = 1;
	if ((size_t)font->nr * font->height > length - sizeof(header))
		return "PSF1: glyphs beyond the end of the file";
	return NULL;
}

static const char *psf2_parse(const u8 *file, size_t length, struct psf_font *font)
{
	struct psf2_header header;

	if (length < sizeof(header))
		return "PSF2: shorter than its header";
	memcpy(&header, file, sizeof(header));
	if (header.version)
		return "PSF2: the version must be 0";
	if (!header.width || header.width > PSF_MAX_SIZE)
		return "PSF2: the width must be 1..64";
	if (!header.height || header.height > PSF_MAX_SIZE)
		return "PSF2: the height must be 1..64";
	if (header.glyph_bytes != header.height * ((header.width + 7) / 8))
		return "PSF2: the size of a glyph is not height * width";
	if (header.header_size < sizeof(header) || header.header_size > length)
		return "PSF2: the header's size is wrong";
	if (!header.nr)
		return "PSF2: no glyphs";
	if ((u64)header.nr * header.glyph_bytes > length - header.header_size)
		return "PSF2: glyphs beyond the end of the file";
	font->glyphs = file + header.header_size;
	font->nr = header.nr;
	font->width = header.width;
	font->height = header.height;
	font->row_bytes = (header.width + 7) / 8;
	return NULL;
}

const char *psf_parse(const void *file, size_t length, struct psf_font *font)
{
	u32 magic;

	if (length < sizeof(magic))
		return "font: shorter than any header";
	memcpy(&magic, file, sizeof(magic));
	if ((magic & 0xffff) == PSF1_MAGIC)
		return psf1_parse(file, length, font);
	if (magic == PSF2_MAGIC)
		return psf2_parse(file, length, font);
	return "font: neither PSF1 nor PSF2";
}

const u8 *psf_glyph(const struct psf_font *font, u8 c)
{
	u32 position = c < font->nr ? c : '?' < font->nr ? '?' : 0;

	return font->glyphs + (size_t)position * font->row_bytes * font->height;
}
