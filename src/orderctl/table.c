/*
 * DESIGN: a terminal that is too narrow takes from whatever column is the widest, one by one, until
 * the rest fits: short columns stay whole as long as there is a longer one to take from. No column
 * becomes narrower than what still says something; where even that is too wide, lines wrap.
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

/* No cell takes more than the whole of a terminal: what would be cut is not kept. */
static size_t keep_of(const struct table *t, size_t column)
{
    size_t min = t->columns[column].min;

    if (min == 0 || t->out->width == 0)
        return 0;
    return t->out->width > min ? t->out->width : min;
}

void table_cell(struct table *t, const char *text, size_t len)
{
    size_t column = t->count % t->column_count;
    struct table_cell *cell;
    size_t width;

    if (t->count == t->capacity) {
        t->capacity = t->capacity > 0 ? 2 * t->capacity : 256;
        t->cells = xrealloc(t->cells, t->capacity * sizeof(t->cells[0]));
    }
    cell = &t->cells[t->count++];
    cell->color = COLOR_NONE;
    cell->offset = t->bytes.len;
    cell->width = len > 0 ? text_put(&t->bytes, text, len, keep_of(t, column))
                          : text_put(&t->bytes, "-", 1, 0);
    cell->len = t->bytes.len - cell->offset;
    width = t->out->width == 0 && cell->width > ALIGN_MAX ? ALIGN_MAX : cell->width;
    if (width > t->widths[column])
        t->widths[column] = width;
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

        if (c->min > 0 && widths[i] > c->min && width >= most) {
            found = &widths[i];
            most = width;
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
    for (; t->out->width > 0 && total > t->out->width; total--) {
        column = widest(t, widths);
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
    size_t len, width;
    enum color color;
};

/* Appends one cell with the blanks that belong to it; the last column has none behind it. */
static void put_cell(const struct table *t, size_t column, struct shown s, size_t max,
                     struct buf *out)
{
    CLEANUP(buf_release) struct buf cut = BUF_INIT(TABLE_BYTES_MAX);
    bool last = column + 1 == t->column_count;
    size_t blanks;

    if (t->out->width > 0 && s.width > max) {
        s.width = text_put(&cut, s.text, s.len, max);
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
    if (last)
        (void)buf_putc(out, '\n');
    else
        put_blanks(out, GAP);
}

static void print_row(struct table *t, const struct table_cell *row, const size_t *widths,
                      struct buf *line)
{
    buf_reset(line, BYTES_KEEP);
    for (size_t i = 0; i < t->column_count; i++) {
        const char *title = t->columns[i].title;
        struct shown s = {title, strlen(title), strlen(title), COLOR_STRONG};

        if (row != NULL)
            s = (struct shown){t->bytes.data + row[i].offset, row[i].len, row[i].width,
                               row[i].color};
        put_cell(t, i, s, widths[i], line);
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
