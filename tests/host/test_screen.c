// sources: kernel/screen.c kernel/screen_vga.c
/* SPDX-License-Identifier: MIT */
/*
 * The character grid on a device that only remembers what was drawn: layout of text, scrolling
 * against a simple model that keeps whole lines, that nothing is drawn twice for nothing, and VGA
 * text memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86_64/io.h"
#include "kernel/screen.h"

static char drawn[SCREEN_MAX_ROWS][SCREEN_MAX_COLS + 1];
static unsigned long nr_draws;
static struct screen_device device;

static u16 ports[8];
static u8 values[8];
static size_t nr_outs;

void io_out8(u16 port, u8 value)
{
	ports[nr_outs] = port;
	values[nr_outs++] = value;
}

static void draw(u32 col, u32 row, u8 c)
{
	assert_true(col < device.cols && row < device.rows);
	assert_int_not_equal(drawn[row][col], c);
	drawn[row][col] = (char)c;
	nr_draws++;
}

static void start(u32 cols, u32 rows)
{
	device = (struct screen_device){.cols = cols, .rows = rows, .draw = draw};
	memset(drawn, 0, sizeof(drawn));
	for (u32 row = 0; row < rows; row++)
		memset(drawn[row], ' ', cols);
	nr_draws = 0;
	screen_start(&device);
}

static void type(const char *text)
{
	screen_output.write(text, strlen(text));
}

static void text_is_laid_out(void **state)
{
	static const struct {
		const char *text;
		const char *rows[3]; /* of 10 columns */
	} cases[] = {
		{"ab\ncd", {"ab        ", "cd        ", "          "}},
		{"0123456789", {"0123456789", "          ", "          "}},
		{"0123456789\nx", {"0123456789", "x         ", "          "}},
		{"0123456789x", {"0123456789", "x         ", "          "}},
		{"a\tb", {"a       b ", "          ", "          "}},
		{"\t\tb", {"          ", "b         ", "          "}},
		{"abc\rx", {"xbc       ", "          ", "          "}},
		{"one\r\ntwo", {"one       ", "two       ", "          "}},
		{"a\x01\x7f\xc3", {"a???      ", "          ", "          "}},
		{"1\n2\n3\n", {"2         ", "3         ", "          "}},
		{"1\n2\n3\n4", {"2         ", "3         ", "4         "}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		start(10, 3);
		type(cases[i].text);
		for (int row = 0; row < 3; row++)
			assert_string_equal(drawn[row], cases[i].rows[row]);
	}
}

/* The model: all lines ever written, of which the last ones are seen. */
static void scrolling_shows_the_last_lines(void **state)
{
	static const u32 sizes[][2] = {{1, 1}, {1, 5}, {7, 1}, {80, 25}, {128, 48}, {320, 100}};
	static char lines[400][SCREEN_MAX_COLS + 1];

	(void)state;
	srand48(5);
	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
		u32 cols = sizes[s][0], rows = sizes[s][1];

		start(cols, rows);
		for (u32 line = 0; line < 400; line++) {
			u32 length = (u32)lrand48() % cols + 1;

			memset(lines[line], ' ', cols);
			lines[line][cols] = '\0';
			for (u32 i = 0; i < length; i++)
				lines[line][i] = (char)('!' + lrand48() % 90);
			if (line)
				type("\n");
			screen_output.write(lines[line], length);
			for (u32 row = 0; row < rows && row <= line; row++) {
				u32 first = line < rows ? 0 : line - rows + 1;

				assert_string_equal(drawn[row], lines[first + row]);
			}
		}
	}
}

static void only_changes_are_drawn(void **state)
{
	(void)state;
	start(80, 25);
	for (int i = 0; i < 25; i++)
		type("the same line\n");
	assert_int_equal(nr_draws, 24 * strlen("thesameline")); /* the 25th has scrolled */
	type("the same line\n");
	assert_int_equal(nr_draws, 24 * strlen("thesameline"));
	type("another");
	assert_int_equal(nr_draws, 24 * strlen("thesameline") + strlen("another"));

	/* A block that scrolls by itself is drawn once, as it ends. */
	start(80, 25);
	nr_draws = 0;
	type("1\n2\n3\n4\n5\n6\n7\n8\n9\n0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n0\n1\n2\n3\n4\n5\n6\n7\n8"
	     "\n");
	assert_int_equal(nr_draws, 24);
}

static void vga_memory_holds_text_and_attribute(void **state)
{
	u16 *memory = malloc(80 * 25 * sizeof(u16)); /* ASan: not a byte beyond */

	(void)state;
	memset(memory, 0xee, 80 * 25 * sizeof(u16));
	nr_outs = 0;
	screen_vga_init(memory);
	for (int i = 0; i < 80 * 25; i++)
		assert_int_equal(memory[i], 0x0720);
	assert_int_equal(nr_outs, 2);
	assert_int_equal(ports[0], 0x3d4);
	assert_int_equal(values[0], 0x0a);
	assert_int_equal(ports[1], 0x3d5);
	assert_int_equal(values[1], 0x20);

	type("Hi\n there");
	assert_int_equal(memory[0], 0x0700 | 'H');
	assert_int_equal(memory[1], 0x0700 | 'i');
	assert_int_equal(memory[81], 0x0700 | 't');
	for (int i = 0; i < 100; i++)
		type("x\n");
	assert_int_equal(memory[23 * 80], 0x0700 | 'x');
	assert_int_equal(memory[24 * 80], 0x0720);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_laid_out),
		cmocka_unit_test(scrolling_shows_the_last_lines),
		cmocka_unit_test(only_changes_are_drawn),
		cmocka_unit_test(vga_memory_holds_text_and_attribute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
