/*
 * DESIGN: a terminal that is too narrow takes year and seconds from the times first, as half a time
 * is none, and then from whatever column is the widest, one by one, until the rest fits: short
 * columns stay whole as long as there is a longer one to take from. No column becomes narrower than
 * what still says something. Where an id does not fit into its column its row goes on below, as
 * that of a long name in df(1). An id that would take more than a third of the terminal is not even
 * tried: it costs its own row a line, and no other row anything.
 */
#include "orderctl/table.h"

#include "base/mem.h"
#include "orderctl/text.h"

#include <stdlib.h>
#include <string.h>

enum {
    BYTES_KEEP = 1024 * 1024,
    GAP = 2,         /* blanks between columns */
    ALIGN_MAX = 100, /* a longer cell stands out of its column and does not widen it */
};

struct table_cell {
    size_t offset, len; /* in bytes: as it is shown */
    size_t width;
    size_t least; /* columns that it may be cut to, because of what is never cut; 0: to any */
    enum color color;
};

void table_init(struct table *t, struct output *out, const struct table_column *columns,
                size_t count)
{
    *t = (struct table){
        .out = out, .columns = columns, .column_count = count, .bytes = BUF_INIT(TABLE_BYTES_MAX)};
    for (size_t i = 0; i < count; i++)
        t->widths[i] = strlen(columns[i].title);
}

void table_release(struct table *t)
{
    buf_release(&t->bytes);
    free(t->cells);
    t->cells = NULL;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* No cell takes more than the whole of a terminal: what would be cut is not kept. */
static size_t most_of(const struct table *t, size_t column, size_t least)
{
    size_t min = t->columns[column].min;

    return min == 0 || t->out->width == 0 ? 0 : larger(larger(t->out->width, min), least);
}

/* How many columns a text takes of which the first bytes are never cut: these, and "…" behind. */
static size_t least_of(const char *text, size_t len, size_t keep)
{
    CLEANUP(buf_release) struct buf shown = BUF_INIT(TABLE_BYTES_MAX);

    return keep == 0 ? 0 : text_put(&shown, text, keep, 0) + (keep < len ? 1 : 0);
}

/* Tells whether a cell is left out of account when the columns are made to fit. */
static bool stands_out(const struct table *t, size_t column, const struct table_cell *cell)
{
    return t->out->width > 0 && cell->least > t->out->width / 3 && column + 1 < t->column_count;
}

void table_kept(struct table *t, const char *text, size_t len, size_t keep)
{
    size_t least = least_of(text, len, keep);
    size_t column = t->count % t->column_count;
    struct table_cell *cell;
    size_t width;

    if (t->count == t->capacity) {
        t->capacity = t->capacity > 0 ? 2 * t->capacity : 256;
        t->cells = xrealloc(t->cells, t->capacity * sizeof(t->cells[0]));
    }
    cell = &t->cells[t->count++];
    cell->color = COLOR_NONE;
    cell->least = least;
    cell->offset = t->bytes.len;
    cell->width = len > 0 ? text_put(&t->bytes, text, len, most_of(t, column, least))
                          : text_put(&t->bytes, "-", 1, 0);
    cell->len = t->bytes.len - cell->offset;
    if (stands_out(t, column, cell))
        return;
    width = t->out->width == 0 && cell->width > ALIGN_MAX ? ALIGN_MAX : cell->width;
    t->widths[column] = larger(t->widths[column], width);
    t->least[column] = larger(t->least[column], least);
}

void table_cell(struct table *t, const char *text, size_t len)
{
    table_kept(t, text, len, 0);
}

void table_id(struct table *t, const char *text)
{
    table_kept(t, text, strlen(text), strlen(text));
}

void table_text(struct table *t, const char *text)
{
    table_cell(t, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

void table_color(struct table *t, enum color color)
{
    if (t->count > 0)
        t->cells[t->count - 1].color = color;
}

/* Finds the widest column that may still be cut, the last one of equals: what stands first says
 * what a row is about. NULL when there is none. */
static size_t *widest(const struct table *t, size_t *widths)
{
    size_t *found = NULL;
    size_t most = 0;

    for (size_t i = 0; i < t->column_count; i++) {
        const struct table_column *c = &t->columns[i];
        size_t width = c->wide ? widths[i] / 2 : widths[i];

        if (c->min > 0 && widths[i] > larger(c->min, t->least[i]) && width >= most) {
            found = &widths[i];
            most = width;
        }
    }
    return found;
}

/* Finds the column of the longest ids that may become narrower than these: the same one until it
 * has no more to give. */
static size_t *of_longest_ids(const struct table *t, size_t *widths)
{
    size_t *found = NULL;
    size_t most = 0;

    for (size_t i = 0; i < t->column_count; i++) {
        if (widths[i] > t->columns[i].min && t->least[i] > most) {
            found = &widths[i];
            most = t->least[i];
        }
    }
    return found;
}

/* How wide the columns are on this page. */
static void fit(const struct table *t, size_t *widths)
{
    size_t total = GAP * (t->column_count - 1);
    size_t *column;

    for (size_t i = 0; i < t->column_count; i++)
        total += widths[i] = t->widths[i];
    for (size_t i = 0; i < t->column_count && t->out->width > 0 && total > t->out->width; i++) {
        if (t->columns[i].time && widths[i] > t->columns[i].min) {
            total -= widths[i] - t->columns[i].min;
            widths[i] = t->columns[i].min;
        }
    }
    for (; t->out->width > 0 && total > t->out->width; total--) {
        column = widest(t, widths);
        if (column == NULL)
            column = of_longest_ids(t, widths);
        if (column == NULL)
            break;
        (*column)--;
    }
}

static void put_blanks(struct buf *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)buf_putc(out, ' ');
}

/* What stands in a cell, or above a column. */
struct shown {
    const char *text;
    size_t len, width, least;
    enum color color;
};

/* Appends "11-22 13:05" of 2026-11-22T13:05:09.123Z; false when TEXT is no such time. */
static bool put_short_time(struct buf *out, const char *text, size_t len)
{
    static const char form[] = "0000-00-00T00:00:00.000Z";

    if (len != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < len; i++)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    return buf_printf(out, "%.5s %.5s", text + 5, text + 11);
}

/* Appends as much of a text as MAX columns take; returns how many it takes. */
static size_t put_cut(const struct table_column *c, const char *text, size_t len, size_t max,
                      struct buf *out)
{
    return c->time && put_short_time(out, text, len) ? TABLE_TIME_MIN
                                                     : text_put(out, text, len, max);
}

/* Appends one cell with the blanks that belong to it; the last column has none behind it. What is
 * behind one that stands out of its column goes on below, END columns from the left. */
static void put_cell(const struct table *t, size_t column, struct shown s, size_t max, size_t end,
                     struct buf *out)
{
    CLEANUP(buf_release) struct buf cut = BUF_INIT(TABLE_BYTES_MAX);
    bool last = column + 1 == t->column_count;
    bool terminal = t->out->width > 0;
    size_t blanks;

    if (terminal && s.width > larger(max, s.least)) {
        s.width = put_cut(&t->columns[column], s.text, s.len, larger(max, s.least), &cut);
        s.text = buf_text(&cut);
        s.len = cut.len;
    }
    blanks = max > s.width ? max - s.width : 0;
    if (t->columns[column].right)
        put_blanks(out, blanks);
    (void)buf_puts(out, s.color != COLOR_NONE ? output_color(t->out, s.color) : "");
    (void)buf_append(out, s.text, s.len);
    (void)buf_puts(out, s.color != COLOR_NONE ? output_color(t->out, COLOR_NONE) : "");
    if (!t->columns[column].right && !last)
        put_blanks(out, blanks);
    if (last || (terminal && s.width > max))
        (void)buf_putc(out, '\n');
    if (!last)
        put_blanks(out, GAP + (terminal && s.width > max ? end : 0));
}

static void print_row(struct table *t, const struct table_cell *row, const size_t *widths,
                      struct buf *line)
{
    size_t end = 0; /* of the column */

    buf_reset(line, BYTES_KEEP);
    for (size_t i = 0; i < t->column_count; i++) {
        const char *title = t->columns[i].title;
        struct shown s = {title, strlen(title), strlen(title), 0, COLOR_STRONG};

        if (row != NULL)
            s = (struct shown){t->bytes.data + row[i].offset, row[i].len, row[i].width,
                               row[i].least, row[i].color};
        end += widths[i];
        put_cell(t, i, s, widths[i], end, line);
        end += GAP;
    }
    output_bytes(t->out, buf_text(line), line->len);
}

void table_print(struct table *t)
{
    CLEANUP(buf_release) struct buf line = BUF_INIT(TABLE_BYTES_MAX);
    size_t widths[TABLE_COLUMNS_MAX];

    fit(t, widths);
    if (!t->headed && t->count > 0)
        print_row(t, NULL, widths, &line);
    t->headed = t->headed || t->count > 0;
    for (size_t i = 0; i + t->column_count <= t->count; i += t->column_count)
        print_row(t, &t->cells[i], widths, &line);
    t->count = 0;
    buf_reset(&t->bytes, BYTES_KEEP);
}
