/* SPDX-License-Identifier: MIT */
/*
 * Tables of a report; see report_table.h.
 */
#include "kernel/report_table.h"

#include <stdarg.h>

#include "arch/x86_64/log.h"
#include "arch/x86_64/string.h"
#include "kernel/format.h"

#define SHORTEST_TEXT	12
#define SHORTEST_NUMBER 4 /* 999k */
#define SHORTEST_RANGE	(2 * SHORTEST_NUMBER + 1)
#define LINE		(REPORT_COLUMNS + 1)

static u32 digits(u64 number)
{
	u32 n = 1;

	while (number /= 10)
		n++;
	return n;
}

/* Exactly if it fits into ROOM, else in the finest power of 1000 that does. */
static int format_number(char *buf, size_t size, u64 number, u32 room)
{
	static const char suffixes[] = "kMGTPE";
	u32 power = 0;

	if (digits(number) <= room)
		return snprintf(buf, size, "%llu", (unsigned long long)number);
	for (number /= 1000; digits(number) + 1 > room && suffixes[power + 1]; power++)
		number /= 1000;
	return snprintf(buf, size, "%llu%c", (unsigned long long)number, suffixes[power]);
}

static u32 wanted_width(const struct table_cell *cell)
{
	switch (cell->kind) {
	case CELL_TEXT:
		return (u32)strlen(cell->text);
	case CELL_RANGE:
		if (cell->low == cell->high)
			return digits(cell->low);
		return digits(cell->low) + 1 + digits(cell->high);
	default:
		return 0;
	}
}

static u32 least_width(const struct table_cell *cell)
{
	if (cell->kind != CELL_RANGE)
		return min(wanted_width(cell), (u32)SHORTEST_TEXT);
	return cell->low == cell->high ? SHORTEST_NUMBER : SHORTEST_RANGE;
}

/* What column C needs: the longest of its head and SIZE of its cells. */
static u32 column_needs(const struct table *t, u32 c, u32 (*size)(const struct table_cell *cell))
{
	u32 needs = (u32)strlen(t->columns[c].head);

	for (u32 row = 0; row < t->nr_rows; row++)
		needs = max(needs, size(&t->cell[row][c]));
	return needs;
}

/*
 * Takes EXCESS columns away, one at a time, from the column that is farthest above what it needs
 * by SIZE. Returns what is left to take when no column can give any more.
 */
static u32 shrink(struct table *t, u32 excess, u32 (*size)(const struct table_cell *cell))
{
	u32 needs[TABLE_MAX_COLUMNS];

	for (u32 c = 0; c < t->nr_columns; c++)
		needs[c] = column_needs(t, c, size);
	for (; excess; excess--) {
		u32 widest = 0, spare = 0;

		for (u32 c = 0; c < t->nr_columns; c++)
			if (t->width[c] > needs[c] && t->width[c] - needs[c] > spare) {
				spare = t->width[c] - needs[c];
				widest = c;
			}
		if (!spare)
			break;
		t->width[widest]--;
	}
	return excess;
}

static void choose_widths(struct table *t)
{
	u32 total = t->nr_columns - 1; /* the blanks between */

	for (u32 c = 0; c < t->nr_columns; c++) {
		t->width[c] = max(t->columns[c].width, column_needs(t, c, wanted_width));
		total += t->width[c];
	}
	if (total <= REPORT_COLUMNS)
		return;
	total = shrink(t, total - REPORT_COLUMNS, wanted_width);
	total = shrink(t, total, least_width);
	BUG_ON(total);
}

static void format_cell(char *buf, size_t size, const struct table_cell *cell, u32 width)
{
	switch (cell->kind) {
	case CELL_TEXT:
		snprintf(buf, size, "%.*s", (int)width, cell->text);
		if (strlen(cell->text) > width)
			buf[width - 1] = '~';
		break;
	case CELL_RANGE:
		if (cell->low == cell->high) {
			format_number(buf, size, cell->low, width);
		} else {
			u32 each = wanted_width(cell) <= width ? width : (width - 1) / 2;
			int n = format_number(buf, size, cell->low, each);

			buf[n++] = '-';
			format_number(buf + n, size - (size_t)n, cell->high, each);
		}
		break;
	default:
		buf[0] = '\0';
		break;
	}
}

static void print_groups(const struct table *t, report_write_fn write)
{
	char line[LINE];
	size_t at = 0;

	memset(line, ' ', sizeof(line));
	for (u32 c = 0; c < t->nr_columns;) {
		const char *group = t->columns[c].group;
		size_t start = at, n;

		for (; c < t->nr_columns && t->columns[c].group == group; c++)
			at += t->width[c] + 1;
		if (!group)
			continue;
		n = at - 1 - start;
		memset(line + start, '-', n);
		line[start] = line[start + n - 1] = '|';
		if (strlen(group) + 4 <= n) {
			start += (n - strlen(group)) / 2;
			n = strlen(group);
			line[start - 1] = line[start + n] = ' ';
		}
		memcpy(line + start, group, min(n, strlen(group)));
	}
	line[at - 1] = '\0';
	report_line(write, "%s", line);
}

static void print_row(const struct table *t, const struct table_cell *cells, report_write_fn write)
{
	char line[LINE], text[2 * TABLE_TEXT];
	size_t at = 0;

	for (u32 c = 0; c < t->nr_columns; c++) {
		int width = (int)t->width[c];

		if (cells)
			format_cell(text, sizeof(text), &cells[c], t->width[c]);
		else
			snprintf(text, sizeof(text), "%s", t->columns[c].head);
		at += (size_t)snprintf(line + at, sizeof(line) - at, "%s%*s", c ? " " : "",
				       t->columns[c].left ? -width : width, text);
		BUG_ON(at > REPORT_COLUMNS);
	}
	report_line(write, "%s", line);
}

struct table *table_begin(const struct table_column *columns, u32 nr_columns)
{
	static struct table memory;
	struct table *t = &memory;

	BUG_ON(nr_columns > TABLE_MAX_COLUMNS);
	memset(t, 0, sizeof(*t));
	t->columns = columns;
	t->nr_columns = nr_columns;
	return t;
}

void table_row(struct table *t)
{
	BUG_ON(t->nr_rows == TABLE_MAX_ROWS);
	t->nr_rows++;
	t->next = 0;
}

static struct table_cell *next_cell(struct table *t)
{
	BUG_ON(!t->nr_rows || t->next == t->nr_columns);
	return &t->cell[t->nr_rows - 1][t->next++];
}

void table_text(struct table *t, const char *fmt, ...)
{
	struct table_cell *cell = next_cell(t);
	va_list args;

	cell->kind = CELL_TEXT;
	va_start(args, fmt);
	vsnprintf(cell->text, sizeof(cell->text), fmt, args);
	va_end(args);
}

void table_range(struct table *t, u64 low, u64 high)
{
	struct table_cell *cell = next_cell(t);

	cell->kind = CELL_RANGE;
	cell->low = low;
	cell->high = high;
}

void table_number(struct table *t, u64 number)
{
	table_range(t, number, number);
}

void table_print(struct table *t, report_write_fn write)
{
	bool grouped = false;

	choose_widths(t);
	for (u32 c = 0; c < t->nr_columns; c++)
		grouped |= t->columns[c].group != NULL;
	if (grouped)
		print_groups(t, write);
	print_row(t, NULL, write);
	for (u32 row = 0; row < t->nr_rows; row++)
		print_row(t, t->cell[row], write);
}
