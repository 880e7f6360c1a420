/* SPDX-License-Identifier: MIT */
/*
 * A table of numbers that stays within REPORT_COLUMNS columns whatever the numbers are. Columns
 * have a usual width, so that tables of one kind line up; a number that needs more takes it from
 * columns that have some to spare, and only when there is none left are the widest numbers
 * shortened, downwards, to k, M, G, T, P or E (powers of 1000).
 */
#pragma once

#include "arch/x86_64/types.h"
#include "kernel/report_lines.h"

#define TABLE_MAX_COLUMNS 16
#define TABLE_MAX_ROWS	  64
#define TABLE_TEXT	  24

struct table_column {
	const char *head;
	u32 width;	   /* usual width, without the blank before it */
	const char *group; /* a line above the heads joins neighbours of the same group; or NULL */
	bool left;	   /* aligned to the left */
};

enum cell_kind { CELL_EMPTY, CELL_TEXT, CELL_RANGE };

struct table_cell {
	enum cell_kind kind;
	u64 low, high; /* of a range; equal: one number */
	char text[TABLE_TEXT];
};

struct table {
	const struct table_column *columns;
	u32 nr_columns, nr_rows;
	u32 next; /* the column that the next cell of the last row goes to */
	u32 width[TABLE_MAX_COLUMNS];
	struct table_cell cell[TABLE_MAX_ROWS][TABLE_MAX_COLUMNS];
};

/*
 * An empty table. There is memory for one: it is valid until the next call. The sum over COLUMNS of
 * the longer of its head and what its cells cannot do without (4 for a number, 9 for a range, 12
 * for a text that long), with the blanks between them, must be within REPORT_COLUMNS.
 */
struct table *table_begin(const struct table_column *columns, u32 nr_columns);

/* Begins a row; cells follow from left to right, those left out stay blank. */
void table_row(struct table *t);
void table_text(struct table *t, const char *fmt, ...) __printf(2, 3);
void table_number(struct table *t, u64 number);
void table_range(struct table *t, u64 low, u64 high);

void table_print(struct table *t, report_write_fn write);
