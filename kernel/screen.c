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
static u32 text_rows;		   /* the first ones of the device; a picture has the others */
static u32 cursor_col, cursor_row; /* col == cols: the next character begins a line */

static void screen_write(const char *s, size_t n);

const struct console_output screen_output = {"screen", 4096, screen_write};

void screen_start(const struct screen_device *dev)
{
	memset(wanted, ' ', sizeof(wanted));
	memset(shown, ' ', sizeof(shown));
	cursor_col = cursor_row = 0;
	text_rows = dev->rows;
	device = dev;
}

static u32 next_line(u32 row)
{
	if (row + 1 < text_rows)
		return row + 1;
	memmove(wanted[0], wanted[1], sizeof(wanted[0]) * (text_rows - 1));
	memset(wanted[text_rows - 1], ' ', sizeof(wanted[0]));
	return text_rows - 1;
}

static void draw_changes(void)
{
	for (u32 row = 0; row < text_rows; row++)
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
	row = min(READ_ONCE(cursor_row), text_rows - 1);
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

bool screen_attached(void)
{
	return device != NULL;
}

/* Five eighths of the rows, so that the end of a report can be read above it. */
u32 screen_picture_limit(void)
{
	if (!device || !device->fill)
		return 0;
	return min(device->width, device->rows * 5 / 8 * device->row_height);
}

/* The rows that the picture needs, moved off by the text that stands there. */
static void make_room(u32 rows)
{
	u32 keep = device->rows - rows;
	u32 above = cursor_row < keep - 1 ? 0 : cursor_row - (keep - 1);

	memmove(wanted[0], wanted[above], sizeof(wanted[0]) * (device->rows - above));
	for (u32 row = keep; row < device->rows; row++)
		memset(wanted[row], ' ', sizeof(wanted[0]));
	draw_changes();
	cursor_row -= above;
	text_rows = keep;
}

void screen_picture(u32 modules, u32 scale, bool (*is_dark)(u32 x, u32 y))
{
	u32 rows = (modules * scale + device->row_height - 1) / device->row_height;
	u32 top;

	make_room(rows);
	top = text_rows * device->row_height;
	for (u32 y = 0; y < modules; y++)
		for (u32 x = 0; x < modules; x++)
			device->fill(x * scale, top + y * scale, scale, !is_dark(x, y));
}
