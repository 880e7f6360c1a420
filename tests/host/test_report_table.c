// sources: kernel/report_table.c kernel/report_lines.c kernel/format.c
// flags: -Dsnprintf=kernel_snprintf -Dvsnprintf=kernel_vsnprintf
/* SPDX-License-Identifier: MIT */
/*
 * Tables and paragraphs of a report: exact texts for what is usual, and for random tables the
 * promises: at most 100 columns, columns line up, a number is exact if it is not shortened, and a
 * shortened one is true to its last digit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/report_table.h"
#include "tests/host/host_log.h"

static char text[65536];
static size_t used;

static void keep(const char *s, size_t n)
{
	assert_true(used + n < sizeof(text));
	assert_true(n && n <= REPORT_COLUMNS + 1);
	assert_int_equal(s[n - 1], '\n');
	for (size_t i = 0; i + 1 < n; i++)
		assert_in_range(s[i], ' ', '~');
	memcpy(text + used, s, n);
	used += n;
	text[used] = '\0';
}

static int fresh(void **state)
{
	(void)state;
	used = 0;
	text[0] = '\0';
	return 0;
}

static void lines_are_cut_and_cleaned(void **state)
{
	(void)state;
	report_line(keep, "plain %d  ", 5);
	report_line(keep, "%s", "");
	report_line(keep, "tab\t, bell\a, \xc3\xa4");
	report_line(keep, "%0100d", 7);
	report_line(keep, "%0101d", 7);
	assert_int_equal(strlen(text), 8 + 1 + 16 + 101 + 101);
	assert_memory_equal(text, "plain 5\n\ntab?, bell?, ??\n", 25);
	assert_string_equal(text + used - 5, "000~\n");
	assert_int_equal(text[used - 103], '7');
}

static void paragraphs_break_at_blanks(void **state)
{
	struct report_paragraph p;
	char word[251];

	(void)state;
	report_paragraph_begin(&p, keep, "label:");
	report_paragraph_text(&p, "  one   two ");
	report_paragraph_format(&p, "%u and %s", 3U, "more");
	report_paragraph_text(&p, "");
	report_paragraph_end(&p);
	assert_string_equal(text, "label: one two 3 and more\n");

	/* 6 + 1 + 93 fills a line; the next word goes on, and one of 94 does not fit. */
	fresh(NULL);
	memset(word, 'w', sizeof(word));
	word[93] = '\0';
	report_paragraph_begin(&p, keep, "label:");
	report_paragraph_text(&p, word);
	report_paragraph_text(&p, "x");
	report_paragraph_end(&p);
	assert_int_equal(used, 101 + 4);
	assert_string_equal(text + 101, "  x\n");

	fresh(NULL);
	memset(word, 'w', sizeof(word));
	word[94] = '\0';
	report_paragraph_begin(&p, keep, "label:");
	report_paragraph_text(&p, word);
	report_paragraph_end(&p);
	assert_memory_equal(text, "label:\n  www", 12);
	assert_int_equal(used, 7 + 2 + 94 + 1);

	/* No blank to break at: 98 columns a line behind the indent. */
	fresh(NULL);
	memset(word, 'w', sizeof(word));
	word[250] = '\0';
	report_paragraph_begin(&p, keep, "label:");
	report_paragraph_text(&p, word);
	report_paragraph_end(&p);
	assert_memory_equal(text, "label:\n  www", 12);
	assert_int_equal(used, 7 + 101 + 101 + 2 + 54 + 1);
}

static const struct table_column three[] = {
	{"Name", 6, NULL, true}, {"Count", 8, "group", false}, {"More", 5, "group", false}};

static void a_usual_table(void **state)
{
	struct table *t = table_begin(three, 3);

	(void)state;
	table_row(t);
	table_text(t, "a%d", 1);
	table_number(t, 12345678);
	table_range(t, 5, 10);
	table_row(t);
	table_text(t, "longer name");
	table_range(t, 7, 7);
	table_print(t, keep);
	assert_string_equal(text, "            |-- group ---|\n"
				  "Name           Count  More\n"
				  "a1          12345678  5-10\n"
				  "longer name        7\n");
}

static void empty_tables_have_a_head(void **state)
{
	(void)state;
	table_print(table_begin(three, 3), keep);
	assert_string_equal(text, "       |-- group ---|\nName      Count  More\n");
}

/* Two columns of which one has all the room: numbers are shortened to what is left. */
static void numbers_are_shortened_only_when_nothing_is_to_spare(void **state)
{
	static const struct table_column columns[] = {{"a", 90, NULL, false},
						      {"b", 4, NULL, false}};
	static const struct {
		u64 number;
		const char *shown;
	} cases[] = {
		{9999, "9999"},
		{10000, "10k"},
		{999999, "999k"},
		{1000000, "1M"},
		{18446744073709551615ULL, "18E"},
		{999999999999999999ULL, "999P"},
		{1000000000000000000ULL, "1E"},
	};
	char head[REPORT_COLUMNS - 1 - 4 + 1] = ""; /* leaves 4 columns for the other */
	struct table *t = table_begin(columns, 2);

	(void)state;
	memset(head, 'h', sizeof(head) - 1);

	/* "a" has 90 columns to spare, so "b" is exact whatever it is. */
	table_row(t);
	table_number(t, 1);
	table_number(t, UINT64_MAX);
	table_print(t, keep);
	assert_non_null(strstr(text, " 18446744073709551615\n"));

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct table_column narrow[] = {{head, 1, NULL, true}, {"b", 1, NULL, false}};
		char expected[8] = " ";

		fresh(NULL);
		t = table_begin(narrow, 2);
		table_row(t);
		table_text(t, "x");
		table_number(t, cases[i].number);
		table_print(t, keep);
		strcat(strcpy(expected, " "), cases[i].shown);
		strcat(expected, "\n");
		assert_string_equal(text + used - strlen(expected), expected);
	}
}

static void misuse_stops(void **state)
{
	static struct table_column many[TABLE_MAX_COLUMNS + 1];
	static const struct table_column wide[] = {
		{"a head of fifty characters, and another one of them", 1, NULL, false},
		{"a head of fifty characters, and another one of them", 1, NULL, false}};
	struct table *t = table_begin(three, 3);

	(void)state;
	assert_true(host_panics(table_number(t, 1)));
	for (int i = 0; i < TABLE_MAX_ROWS; i++)
		table_row(t);
	assert_true(host_panics(table_row(t)));
	for (int i = 0; i < 3; i++)
		table_number(t, 1);
	assert_true(host_panics(table_number(t, 1)));
	assert_true(host_panics(table_begin(many, TABLE_MAX_COLUMNS + 1)));
	t = table_begin(wide, 2);
	assert_true(host_panics(table_print(t, keep)));
}

/* A cell as printed may stand for NUMBER: the same digits, or fewer and a true power of 1000. */
static bool stands_for(const char *cell, size_t n, u64 number)
{
	static const char suffixes[] = "kMGTPE";
	u64 shown = 0, unit = 1;
	size_t i = 0;

	for (; i < n && cell[i] >= '0' && cell[i] <= '9'; i++)
		shown = shown * 10 + (u64)(cell[i] - '0');
	if (!i)
		return false;
	if (i == n)
		return shown == number;
	if (i + 1 != n || !strchr(suffixes, cell[i]))
		return false;
	for (const char *s = suffixes; s <= strchr(suffixes, cell[i]); s++)
		unit *= 1000;
	return number / unit == shown && number >= 10000;
}

static size_t widest_number(u64 number[][9], u32 rows, int column, size_t widest)
{
	for (u32 r = 0; r < rows; r++) {
		char digits[32];
		size_t n = (size_t)sprintf(digits, "%llu", (unsigned long long)number[r][column]);

		widest = n > widest ? n : widest;
	}
	return widest;
}

static void random_tables_keep_their_promises(void **state)
{
	static const struct table_column columns[] = {
		{"Name", 8, NULL, true},  {"One", 9, "x", false},    {"Two", 9, "x", false},
		{"Three", 9, "y", false}, {"Four", 9, "y", false},   {"Five", 9, NULL, false},
		{"Six", 9, NULL, false},  {"Seven", 9, NULL, false}, {"Eight", 9, NULL, false},
		{"Nine", 9, NULL, false}};
	unsigned shortened = 0;

	(void)state;
	srand48(11);
	for (int round = 0; round < 3000; round++) {
		struct table *t = table_begin(columns, ARRAY_SIZE(columns));
		u32 rows = 1 + (u32)lrand48() % 6;
		u64 number[6][9];
		const char *line;
		size_t exact;

		fresh(NULL);
		for (u32 r = 0; r < rows; r++) {
			table_row(t);
			table_text(t, "row%u", r);
			for (int c = 0; c < 9; c++) {
				number[r][c] = ((u64)mrand48() << 32 ^ (u64)mrand48()) >>
					       (lrand48() % 64);
				table_number(t, number[r][c]);
			}
		}
		table_print(t, keep);
		exact = strlen("row0");
		for (int c = 0; c < 9; c++)
			exact += 1 + widest_number(number, rows, c, strlen(columns[c + 1].head));

		line = strchr(strchr(text, '\n') + 1, '\n') + 1;
		for (u32 r = 0; r < rows; r++) {
			const char *p = strchr(line, ' ');
			bool cut = false;

			for (int c = 0; c < 9; c++) {
				size_t n;

				p += strspn(p, " ");
				n = strcspn(p, " \n");
				assert_true(stands_for(p, n, number[r][c]));
				cut |= p[n - 1] > '9';
				p += n;
			}
			assert_int_equal(*p, '\n');
			shortened += cut;
			/* Something was shortened: then no column stands empty for it. */
			if (cut)
				assert_true(strcspn(line, "\n") >= 99 && exact > REPORT_COLUMNS);
			line = p + 1;
		}
	}
	assert_true(shortened > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lines_are_cut_and_cleaned, fresh),
		cmocka_unit_test_setup(paragraphs_break_at_blanks, fresh),
		cmocka_unit_test_setup(a_usual_table, fresh),
		cmocka_unit_test_setup(empty_tables_have_a_head, fresh),
		cmocka_unit_test_setup(numbers_are_shortened_only_when_nothing_is_to_spare, fresh),
		cmocka_unit_test_setup(misuse_stops, fresh),
		cmocka_unit_test_setup(random_tables_keep_their_promises, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
