/*
 * table: a table for people. Rows are collected, and a page of them is printed at a time, in
 * columns as wide as their widest cells so far. One thread.
 *
 * On a terminal the columns are made to fit its width: what is too long is cut and ends with "…",
 * but for ids, which are there to be copied: where one is longer than its column, its row goes on
 * in the next line; and for times, which are shown to the minute then. Elsewhere nothing is cut, so
 * that a file or a filter gets all of it.
 */
#ifndef ORDERCTL_TABLE_H
#define ORDERCTL_TABLE_H

#include "base/buf.h"
#include "orderctl/output.h"

#include <stdbool.h>
#include <stddef.h>

struct table_column {
    const char *title;
    bool right; /* aligned */
    size_t min; /* columns that it may be cut to on a narrow terminal; 0: it is never cut */
    bool wide;  /* is left twice as wide as the others: the table is read for it */
    bool time;  /* of clock_format(): "11-22 13:05", at its min, where the table is too wide */
};

enum { TABLE_COLUMNS_MAX = 8, TABLE_TIME_MIN = 11, TABLE_BYTES_MAX = 32 * 1024 * 1024 };

struct table {
    struct output *out;                 /* borrowed */
    const struct table_column *columns; /* borrowed */
    size_t column_count;
    size_t widths[TABLE_COLUMNS_MAX]; /* of the widest cells so far, or titles */
    size_t least[TABLE_COLUMNS_MAX];  /* of what is never cut of them */
    bool headed;                      /* the titles were printed */
    struct buf bytes;
    struct table_cell *cells;
    size_t count, capacity;
};

void table_init(struct table *t, struct output *out, const struct table_column *columns,
                size_t count);
void table_release(struct table *t);

/* Adds the next cell, row by row; "" is shown as "-". */
void table_cell(struct table *t, const char *text, size_t len);
void table_text(struct table *t, const char *text); /* NULL is "" */

/* Likewise; the first KEEP bytes are never cut. */
void table_kept(struct table *t, const char *text, size_t len, size_t keep);
void table_id(struct table *t, const char *text); /* all of it */

/* Gives the cell that was added last a colour, where the output shows any. */
void table_color(struct table *t, enum color color);

/* Prints the rows so far, with the titles above the first ones; prints nothing without rows. */
void table_print(struct table *t);

#endif
