/* SPDX-License-Identifier: MIT */
/*
 * VGA text mode, 80x25: two bytes a character, code page 437, of which only ASCII is used. The
 * hardware cursor is switched off: it would blink where the firmware left it.
 */
#include "kernel/screen.h"

#include "arch/x86_64/io.h"

#define COLS	   80
#define ROWS	   25
#define GREY	   0x0700
#define CRTC_INDEX 0x3d4
#define CRTC_DATA  0x3d5

#define CURSOR_START 0x0a /* CRTC register; bit 5 hides the cursor */
#define CURSOR_OFF   0x20

static volatile u16 *cells;

static void draw(u32 col, u32 row, u8 c)
{
	cells[row * COLS + col] = GREY | c;
}

void screen_vga_init(void *mapped)
{
	static const struct screen_device vga = {.cols = COLS, .rows = ROWS, .draw = draw};

	cells = mapped;
	for (u32 i = 0; i < COLS * ROWS; i++)
		cells[i] = GREY | ' ';
	io_out8(CRTC_INDEX, CURSOR_START);
	io_out8(CRTC_DATA, CURSOR_OFF);
	screen_start(&vga);
}
