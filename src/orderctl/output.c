#include "orderctl/output.h"

#include "base/clock.h"
#include "base/mem.h"
#include "orderctl/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGE_MAX = 2048, BYTES_KEEP = 1024 * 1024 };

#define PROGRESS_EVERY_NS (250 * CLOCK_NS_PER_MS)
#define CLEAR_LINE "\r\033[K"

struct record_field {
    size_t name, value, len; /* offsets in bytes; the name ends with NUL */
    bool json;               /* the value is JSON text, not a text's bytes */
};

struct table_cell {
    size_t offset, len; /* in bytes: as it is shown */
    size_t width;
};

void output_init(struct output *o, FILE *data, FILE *messages, bool json)
{
    *o = (struct output){.data = data,
                         .messages = messages,
                         .json = json,
                         .shows_progress = isatty(fileno(messages)) == 1};
}

static void clear_progress(struct output *o)
{
    if (o->progress_shown)
        (void)fputs(CLEAR_LINE, o->messages);
    o->progress_shown = false;
}

/* On a terminal data must not be written behind a progress text. */
static void write_data(struct output *o, const char *bytes, size_t len)
{
    clear_progress(o);
    errno = 0;
    if (o->fault == 0 && fwrite(bytes, 1, len, o->data) != len)
        o->fault = errno != 0 ? errno : EIO;
}

void output_line(struct output *o, const char *format, ...)
{
    CLEANUP(buf_release) struct buf line = BUF_INIT(16 * MESSAGE_MAX);
    char text[MESSAGE_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)text_put(&line, text, strlen(text), 0);
    (void)buf_putc(&line, '\n');
    write_data(o, buf_text(&line), line.len);
}

bool output_flush(struct output *o)
{
    errno = 0;
    if (o->fault == 0 && fflush(o->data) != 0)
        o->fault = errno != 0 ? errno : EIO;
    return o->fault == 0;
}

/* --- messages ------------------------------------------------------------------------------------
 */

static void put_message(struct output *o, const char *start, const char *end, const char *format,
                        va_list args)
{
    CLEANUP(buf_release) struct buf shown = BUF_INIT(16 * MESSAGE_MAX);
    char text[MESSAGE_MAX];

    (void)vsnprintf(text, sizeof(text), format, args);
    (void)buf_puts(&shown, start);
    (void)text_put(&shown, text, strlen(text), 0);
    (void)buf_puts(&shown, end);
    (void)fputs(buf_text(&shown), o->messages);
    (void)fflush(o->messages);
}

void output_message(struct output *o, const char *format, ...)
{
    va_list args;

    clear_progress(o);
    va_start(args, format);
    put_message(o, "orderctl: ", "\n", format, args);
    va_end(args);
}

void output_progress(struct output *o, const char *format, ...)
{
    int64_t now = clock_now();
    va_list args;

    if (!o->shows_progress || now < o->progress_ns)
        return;
    va_start(args, format);
    put_message(o, CLEAR_LINE, "", format, args);
    va_end(args);
    o->progress_shown = true;
    o->progress_ns = now + PROGRESS_EVERY_NS;
}

bool output_finish(struct output *o, struct error *err)
{
    clear_progress(o);
    if (output_flush(o))
        return true;
    return error_set(err, ERROR_SERVER, o->fault == EPIPE ? "Closed" : "CannotWrite",
                     "cannot write to standard output: %s", strerror(o->fault));
}

/* --- records -------------------------------------------------------------------------------------
 */

static void add_field(struct record *r, const char *name, const char *value, size_t len, bool json)
{
    struct record_field *f;

    if (r->count == r->capacity) {
        r->capacity = r->capacity > 0 ? 2 * r->capacity : 32;
        r->fields = xrealloc(r->fields, r->capacity * sizeof(r->fields[0]));
    }
    f = &r->fields[r->count++];
    f->name = r->bytes.len;
    (void)buf_append(&r->bytes, name, strlen(name) + 1);
    f->value = r->bytes.len;
    (void)buf_append(&r->bytes, value, len);
    f->len = r->bytes.len - f->value;
    f->json = json;
}

void record_bytes(struct record *r, const char *name, const char *text, size_t len)
{
    add_field(r, name, text, len, false);
}

void record_text(struct record *r, const char *name, const char *text)
{
    if (text != NULL)
        record_bytes(r, name, text, strlen(text));
    else if (r->out->json)
        record_json(r, name, "null", 4);
}

void record_json(struct record *r, const char *name, const char *json, size_t len)
{
    add_field(r, name, json, len, true);
}

void record_int(struct record *r, const char *name, int64_t number)
{
    char digits[24];
    struct buf text = BUF_FIXED(digits);

    (void)buf_put_int(&text, number);
    record_json(r, name, text.data, text.len);
}

void record_bool(struct record *r, const char *name, bool value)
{
    record_json(r, name, value ? "true" : "false", value ? 4 : 5);
}

static void put_quoted(struct buf *out, const char *text, size_t len)
{
    (void)buf_putc(out, '"');
    (void)buf_put_json(out, text, len);
    (void)buf_putc(out, '"');
}

static void put_object(const struct record *r, struct buf *out)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct record_field *f = &r->fields[i];
        const char *name = r->bytes.data + f->name;

        (void)buf_putc(out, i == 0 ? '{' : ',');
        put_quoted(out, name, strlen(name));
        (void)buf_putc(out, ':');
        if (f->json)
            (void)buf_append(out, r->bytes.data + f->value, f->len);
        else
            put_quoted(out, r->bytes.data + f->value, f->len);
    }
    (void)buf_puts(out, r->count == 0 ? "{}\n" : "}\n");
}

static void put_blanks(struct buf *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)buf_putc(out, ' ');
}

static void put_aligned(const struct record *r, struct buf *out)
{
    CLEANUP(buf_release) struct buf ignored = BUF_INIT(RECORD_BYTES_MAX);
    size_t widest = 0;

    for (size_t i = 0; i < r->count; i++) {
        const char *name = r->bytes.data + r->fields[i].name;
        size_t width = text_put(&ignored, name, strlen(name), 0);

        widest = width > widest ? width : widest;
    }
    for (size_t i = 0; i < r->count; i++) {
        const struct record_field *f = &r->fields[i];
        const char *name = r->bytes.data + f->name;
        size_t width = text_put(out, name, strlen(name), 0);

        put_blanks(out, widest - width + 2);
        (void)text_put(out, r->bytes.data + f->value, f->len, 0);
        (void)buf_putc(out, '\n');
    }
}

void record_print(struct record *r)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(4 * (size_t)RECORD_BYTES_MAX);

    if (r->out->json)
        put_object(r, &out);
    else if (r->printed)
        (void)buf_putc(&out, '\n');
    if (!r->out->json)
        put_aligned(r, &out);
    write_data(r->out, buf_text(&out), out.len);
    r->printed = true;
    r->count = 0;
    buf_reset(&r->bytes, BYTES_KEEP);
}

void record_release(struct record *r)
{
    buf_release(&r->bytes);
    free(r->fields);
    *r = RECORD_INIT(r->out);
}

/* --- tables --------------------------------------------------------------------------------------
 */

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

void table_cell(struct table *t, const char *text, size_t len)
{
    size_t column = t->count % t->column_count;
    struct table_cell *cell;

    if (t->count == t->capacity) {
        t->capacity = t->capacity > 0 ? 2 * t->capacity : 256;
        t->cells = xrealloc(t->cells, t->capacity * sizeof(t->cells[0]));
    }
    cell = &t->cells[t->count++];
    cell->offset = t->bytes.len;
    cell->width = len > 0 ? text_put(&t->bytes, text, len, t->columns[column].max)
                          : text_put(&t->bytes, "-", 1, 0);
    cell->len = t->bytes.len - cell->offset;
    if (cell->width > t->widths[column])
        t->widths[column] = cell->width;
}

void table_text(struct table *t, const char *text)
{
    table_cell(t, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

/* Appends one cell with the blanks that belong to it; the last column has none behind it. */
static void put_cell(const struct table *t, size_t column, const char *text, size_t len,
                     size_t width, struct buf *out)
{
    size_t blanks = t->widths[column] > width ? t->widths[column] - width : 0;
    bool last = column + 1 == t->column_count;

    if (t->columns[column].right)
        put_blanks(out, blanks);
    (void)buf_append(out, text, len);
    if (!t->columns[column].right && !last)
        put_blanks(out, blanks);
    (void)buf_puts(out, last ? "\n" : "  ");
}

static void print_row(struct table *t, const struct table_cell *row, struct buf *line)
{
    buf_reset(line, BYTES_KEEP);
    for (size_t i = 0; i < t->column_count; i++) {
        const char *title = t->columns[i].title;

        if (row != NULL)
            put_cell(t, i, t->bytes.data + row[i].offset, row[i].len, row[i].width, line);
        else
            put_cell(t, i, title, strlen(title), strlen(title), line);
    }
    write_data(t->out, buf_text(line), line->len);
}

void table_print(struct table *t)
{
    CLEANUP(buf_release) struct buf line = BUF_INIT(TABLE_BYTES_MAX);

    if (!t->headed && t->count > 0)
        print_row(t, NULL, &line);
    t->headed = t->headed || t->count > 0;
    for (size_t i = 0; i + t->column_count <= t->count; i += t->column_count)
        print_row(t, &t->cells[i], &line);
    t->count = 0;
    buf_reset(&t->bytes, BYTES_KEEP);
}
