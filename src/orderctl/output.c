#include "orderctl/output.h"

#include "base/clock.h"
#include "base/mem.h"
#include "orderctl/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    MESSAGE_MAX = 2048,
    BYTES_KEEP = 1024 * 1024,
    WIDTH_MAX = 10000,
    WIDTH_USUAL = 80, /* of a terminal that does not say */
};

#define PROGRESS_EVERY_NS (250 * CLOCK_NS_PER_MS)
#define CLEAR_LINE "\r\033[K"

struct record_field {
    size_t name, value, len; /* offsets in bytes; the name ends with NUL */
    bool json;               /* the value is JSON text, not a text's bytes */
    enum color color;
};

/* How wide the terminal behind a descriptor is; 0 when there is none, or nobody knows. */
static size_t terminal_width(int fd)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;
    char *end;
    long width;

    if (isatty(fd) != 1)
        return 0;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    if (columns == NULL)
        return 0;
    width = strtol(columns, &end, 10);
    return *end == '\0' && width > 0 && width <= WIDTH_MAX ? (size_t)width : 0;
}

/* Likewise how high it is. */
static size_t terminal_height(int fd)
{
    struct winsize size;

    return isatty(fd) == 1 && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

static bool wants_colors(int fd)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    return isatty(fd) == 1 && (no_color == NULL || no_color[0] == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

void output_init(struct output *o, FILE *data, FILE *messages, bool json)
{
    *o = (struct output){.data = data,
                         .messages = messages,
                         .json = json,
                         .terminal = isatty(fileno(data)) == 1,
                         .colors = wants_colors(fileno(data)),
                         .shows_progress = isatty(fileno(messages)) == 1};
    output_measure(o);
}

void output_measure(struct output *o)
{
    o->width = terminal_width(fileno(o->data));
    o->height = terminal_height(fileno(o->data));
}

const char *output_color(const struct output *o, enum color color)
{
    static const char *const starts[] = {
        [COLOR_NONE] = "\033[0m",   [COLOR_GOOD] = "\033[32m",  [COLOR_WARNING] = "\033[33m",
        [COLOR_BAD] = "\033[1;31m", [COLOR_STRONG] = "\033[1m", [COLOR_DIM] = "\033[2m",
    };

    return o->colors && !o->json ? starts[color] : "";
}

static void clear_progress(struct output *o)
{
    if (o->progress_shown)
        (void)fputs(CLEAR_LINE, o->messages);
    o->progress_shown = false;
}

void output_bytes(struct output *o, const char *bytes, size_t len)
{
    clear_progress(o); /* on a terminal data must not be written behind it */
    errno = 0;
    if (o->fault == 0 && fwrite(bytes, 1, len, o->data) != len)
        o->fault = errno != 0 ? errno : EIO;
}

/* What it looks for can only stand in strings. */
void output_json(struct output *o, const char *json, size_t len)
{
    size_t from = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)json[i];
        size_t width = c == 0x7F ? 1 : c == 0xC2 && i + 1 < len ? 2 : 0; /* as UTF-8: C2 80 ... */
        char escaped[8];

        if (width == 2)
            c = (unsigned char)json[i + 1];
        if (width == 0 || c > 0x9F)
            continue;
        output_bytes(o, json + from, i - from);
        output_bytes(o, escaped, (size_t)snprintf(escaped, sizeof(escaped), "\\u00%02x", c));
        i += width - 1;
        from = i + 1;
    }
    output_bytes(o, json + from, len - from);
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
    output_bytes(o, buf_text(&line), line.len);
}

void output_colored(struct output *o, enum color color, const char *format, ...)
{
    CLEANUP(buf_release) struct buf piece = BUF_INIT(16 * MESSAGE_MAX);
    char text[MESSAGE_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)buf_puts(&piece, color != COLOR_NONE ? output_color(o, color) : "");
    (void)text_put(&piece, text, strlen(text), 0);
    (void)buf_puts(&piece, color != COLOR_NONE ? output_color(o, COLOR_NONE) : "");
    output_bytes(o, buf_text(&piece), piece.len);
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

/* WIDTH columns at most; 0: any number. */
static void put_message(struct output *o, const char *start, size_t width, const char *end,
                        const char *format, va_list args)
{
    CLEANUP(buf_release) struct buf shown = BUF_INIT(16 * MESSAGE_MAX);
    char text[MESSAGE_MAX];

    (void)vsnprintf(text, sizeof(text), format, args);
    (void)buf_puts(&shown, start);
    (void)text_put(&shown, text, strlen(text), width);
    (void)buf_puts(&shown, end);
    (void)fputs(buf_text(&shown), o->messages);
    (void)fflush(o->messages);
}

void output_message(struct output *o, const char *format, ...)
{
    va_list args;

    clear_progress(o);
    va_start(args, format);
    put_message(o, "orderctl: ", 0, "\n", format, args);
    va_end(args);
}

bool output_progress_due(const struct output *o)
{
    return o->shows_progress && clock_now() >= o->progress_ns;
}

/* A column less than the terminal has: one that is full wraps, and only a line can be cleared. */
size_t output_progress_width(const struct output *o)
{
    size_t width = terminal_width(fileno(o->messages));

    return width > 1 ? width - 1 : WIDTH_USUAL - 1;
}

void output_progress(struct output *o, const char *format, ...)
{
    va_list args;

    if (!output_progress_due(o))
        return;
    va_start(args, format);
    put_message(o, CLEAR_LINE, output_progress_width(o), "", format, args);
    va_end(args);
    o->progress_shown = true;
    o->progress_ns = clock_now() + PROGRESS_EVERY_NS;
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
    f->color = COLOR_NONE;
}

void record_color(struct record *r, enum color color)
{
    if (r->count > 0)
        r->fields[r->count - 1].color = color;
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
        (void)buf_puts(out, f->color != COLOR_NONE ? output_color(r->out, f->color) : "");
        (void)text_put(out, r->bytes.data + f->value, f->len, 0);
        (void)buf_puts(out, f->color != COLOR_NONE ? output_color(r->out, COLOR_NONE) : "");
        (void)buf_putc(out, '\n');
    }
}

void record_print(struct record *r)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(4 * (size_t)RECORD_BYTES_MAX);

    if (r->out->json) {
        put_object(r, &out);
        output_json(r->out, buf_text(&out), out.len);
    } else {
        if (r->printed)
            (void)buf_putc(&out, '\n');
        put_aligned(r, &out);
        output_bytes(r->out, buf_text(&out), out.len);
    }
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
