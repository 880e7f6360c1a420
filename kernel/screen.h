/* SPDX-License-Identifier: MIT */
/*
 * Text on the machine's screen: a grid of characters in memory, shown either by VGA text mode or by
 * a linear framebuffer. Video memory is written only, and only where a character changed.
 */
#pragma once

#include "arch/x86_64/types.h"
#include "kernel/console.h"

#define SCREEN_MAX_COLS 320
#define SCREEN_MAX_ROWS 100

/* What shows characters; draws only inside its own memory, for col < cols and row < rows. */
struct screen_device {
	u32 cols, rows; /* 1..SCREEN_MAX_COLS, 1..SCREEN_MAX_ROWS */
	void (*draw)(u32 col, u32 row, u8 c);
	/* For pictures; 0 and NULL where there is text only. */
	u32 width, row_height;				  /* pixels */
	void (*fill)(u32 x, u32 y, u32 size, bool white); /* a square, inside the rows of text */
};

struct colour_bits {
	u8 position, size; /* bits of a pixel, counted from its least significant one */
};

/* A linear RGB framebuffer, as the firmware or the loader left it. */
struct framebuffer_desc {
	u32 pitch;	   /* bytes from one line to the next */
	u32 width, height; /* pixels */
	u8 bpp;		   /* bits a pixel: 15, 16, 24 or 32 */
	struct colour_bits red, green, blue;
};

/*
 * Clears the framebuffer mapped at MAPPED (pitch * height bytes) and makes it the screen. False,
 * with a warning that says why, if its layout cannot be used or not one character fits. Context:
 * boot CPU, before the screen is attached to the console.
 */
bool screen_fb_init(const struct framebuffer_desc *fb, void *mapped);

/* Clears VGA text memory, 80x25 at physical 0xb8000, mapped at MAPPED, and makes it the screen. */
void screen_vga_init(void *mapped);

/* Whether there is a screen at all. */
bool screen_attached(void);

/* The pixels that a square picture may have on a side, so that text stays above it; 0: none. */
u32 screen_picture_limit(void);

/*
 * Shows a square of MODULES by MODULES squares of SCALE pixels below the text, which moves up and
 * has the rows above it from here on. At most screen_picture_limit() pixels on a side. Once.
 */
void screen_picture(u32 modules, u32 scale, bool (*is_dark)(u32 x, u32 y));

/* The screen made last, for console_attach_screen(). */
extern const struct console_output screen_output;

/* For the two above: DEVICE, whose memory is cleared, shows the grid from here on. */
void screen_start(const struct screen_device *device);
