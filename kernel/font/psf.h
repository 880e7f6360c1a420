/* SPDX-License-Identifier: MIT */
/*
 * PC Screen Font files, version 1 and 2. Only the glyphs are used, by their position: in the fonts
 * carried here, the printable ASCII characters stand at their own codes.
 */
#pragma once

#include "arch/x86_64/types.h"

#define PSF_MAX_SIZE 64 /* pixels, width and height of a glyph */

/* Points into the file that it was made from. */
struct psf_font {
	const u8 *glyphs;
	u32 nr;
	u32 width, height; /* pixels */
	u32 row_bytes;	   /* the leftmost pixel is the highest bit of the first byte */
};

/* Reads the header of the font file of LENGTH bytes. Returns NULL, or what is wrong with it. */
const char *psf_parse(const void *file, size_t length, struct psf_font *font);

/* The rows of character C, of '?' if the font has no C, of the first glyph if it has neither. */
const u8 *psf_glyph(const struct psf_font *font, u8 c);
