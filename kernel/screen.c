/* SPDX-License-Identifier: MIT */
/*
 * The grid: text is laid out in wanted[], then every character that differs from shown[] is drawn,
 * so scrolling reads no video memory and a whole block of text costs one redraw.
 *
 * An NMI or a panic may enter here in the middle of a write (kernel/console.c). Therefore the
 * cursor is copied, bounded and stored back: whatever is interrupted, no index leaves the grid.
 */
#include "kernel/screen.h"

#include "arch/x86_64/string.h"

#define TAB 8

static const struct screen_device *device;
static u8 wanted[SCREEN_MAX_ROWS][SCREEN_MAX_COLS];
static u8 shown[SCREEN_MAX_ROWS][SCREEN_MAX_COLS];
static u32 cursor_col, cursor_row; /* col == cols: the next character begins a line */

static void screen_write(const char *s, size_t n);

const struct console_output screen_output = {"screen", 4096, screen_write};

void screen_start(const struct screen_device *dev)
{
	memset(wanted, ' ', sizeof(wanted));
	memset(shown, ' ', sizeof(shown));
	cursor_col = cursor_row = 0;
	device = dev;
}

static u32 next_line(u32 row)
{
	if (row + 1 < device->rows)
		return row + 1;
	memmove(wanted[0], wanted[1], sizeof(wanted[0]) * (device->rows - 1));
	memset(wanted[device->rows - 1], ' ', sizeof(wanted[0]));
	return device->rows - 1;
}

static void draw_changes(void)
{
	for (u32 row = 0; row < device->rows; row++)
		for (u32 col = 0; col < device->cols; col++) {
			u8 c = wanted[row][col];

			if (c == shown[row][col])
				continue;
			shown[row][col] = c;
			device->draw(col, row, c);
		}
}

static void screen_write(const char *s, size_t n)
{
	u32 cols, row, col;

	if (!device)
		return;
	cols = device->cols;
	row = min(READ_ONCE(cursor_row), device->rows - 1);
	col = min(READ_ONCE(cursor_col), cols);

	for (; n; s++, n--) {
		u8 c = (u8)*s;

		if (c == '\r') {
			col = 0;
			continue;
		}
		if (c == '\n' || col == cols) {
			row = next_line(row);
			col = 0;
			if (c == '\n')
				continue;
		}
		if (c == '\t') {
			col = min(ALIGN_DOWN(col, (u32)TAB) + TAB, cols);
			continue;
		}
		wanted[row][col++] = c >= ' ' && c <= '~' ? c : '?';
	}
	WRITE_ONCE(cursor_row, row);
	WRITE_ONCE(cursor_col, col);
	draw_changes();
}
