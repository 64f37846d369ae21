#include "base/mem.h"
#include "orderctl/doctor.h"
#include "orderctl/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { RESULT_WIDTH = 9, NAME_WIDTH = 25, LINE_MAX_BYTES = 16 * DOCTOR_TEXT_MAX };

static const struct {
    const char *name;
    enum color color;
} results[DOCTOR_RESULTS] = {
    [DOCTOR_OK] = {"ok", COLOR_GOOD},
    [DOCTOR_WARNING] = {"warning", COLOR_WARNING},
    [DOCTOR_FAULT] = {"fault", COLOR_BAD},
    [DOCTOR_SKIPPED] = {"skipped", COLOR_NONE},
};

static void pad(struct buf *line, size_t used, size_t width)
{
    for (; used < width; used++)
        (void)buf_putc(line, ' ');
}

static void print_for_people(struct doctor *d, enum doctor_result result, const char *text,
                             const char *remedy)
{
    CLEANUP(buf_release) struct buf line = BUF_INIT(LINE_MAX_BYTES);
    struct output *out = d->context->out;
    const char *name = results[result].name;

    (void)buf_puts(&line, output_color(out, results[result].color));
    (void)buf_puts(&line, name);
    (void)buf_puts(&line, output_color(out, COLOR_NONE));
    pad(&line, strlen(name), RESULT_WIDTH);
    (void)buf_puts(&line, d->check->name);
    pad(&line, strlen(d->check->name), NAME_WIDTH);
    (void)text_put(&line, text, strlen(text), 0);
    (void)buf_putc(&line, '\n');
    if (remedy != NULL) {
        pad(&line, 0, RESULT_WIDTH);
        (void)buf_puts(&line, "-> ");
        (void)text_put(&line, remedy, strlen(remedy), 0);
        (void)buf_putc(&line, '\n');
    }
    output_bytes(out, buf_text(&line), line.len);
}

static void print_for_programs(struct doctor *d, enum doctor_result result, const char *text,
                               const char *remedy)
{
    struct record r = RECORD_INIT(d->context->out);

    record_text(&r, "check", d->check->name);
    record_text(&r, "result", results[result].name);
    record_text(&r, "text", text);
    record_text(&r, "remedy", remedy);
    record_print(&r);
    record_release(&r);
}

static void tell(struct doctor *d, enum doctor_result result, const char *remedy,
                 const char *format, va_list args)
{
    char text[DOCTOR_TEXT_MAX];

    (void)vsnprintf(text, sizeof(text), format, args);
    if (d->context->out->json)
        print_for_programs(d, result, text, remedy);
    else
        print_for_people(d, result, text, remedy);
    d->counts[result]++;
    d->told++;
}

void doctor_ok(struct doctor *d, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(d, DOCTOR_OK, NULL, format, args);
    va_end(args);
}

void doctor_warn(struct doctor *d, const char *remedy, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(d, DOCTOR_WARNING, remedy, format, args);
    va_end(args);
}

void doctor_fault(struct doctor *d, const char *remedy, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(d, DOCTOR_FAULT, remedy, format, args);
    va_end(args);
}

void doctor_skip(struct doctor *d, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tell(d, DOCTOR_SKIPPED, NULL, format, args);
    va_end(args);
}

void doctor_tell_skipped(struct doctor *d)
{
    unsigned more = d->skipped_count - 1;

    if (d->skipped_count == 0)
        return;
    d->check = d->skipped_first;
    doctor_skip(d, "%s", buf_text(&d->skipped));
    d->counts[DOCTOR_SKIPPED] += more;
    d->skipped_count = 0;
    buf_reset(&d->skipped, DOCTOR_TEXT_MAX);
}

void doctor_lack(struct doctor *d, enum doctor_need need, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(d->why[need], sizeof(d->why[need]), format, args);
    va_end(args);
}

static const char *plural(unsigned count)
{
    return count == 1 ? "" : "s";
}

void doctor_summary(struct doctor *d)
{
    const unsigned *n = d->counts;

    if (d->context->out->json)
        return;
    output_line(d->context->out, "%u ok, %u warning%s, %u fault%s, %u skipped", n[DOCTOR_OK],
                n[DOCTOR_WARNING], plural(n[DOCTOR_WARNING]), n[DOCTOR_FAULT],
                plural(n[DOCTOR_FAULT]), n[DOCTOR_SKIPPED]);
}

void doctor_span(int64_t seconds, char out[DOCTOR_SPAN_SIZE])
{
    enum { HOUR = 60 * 60, DAY = 24 * HOUR };

    if (seconds >= 2 * DAY && seconds % DAY == 0)
        (void)snprintf(out, DOCTOR_SPAN_SIZE, "%" PRId64 " days", seconds / DAY);
    else if (seconds >= 2 * HOUR && seconds % HOUR == 0)
        (void)snprintf(out, DOCTOR_SPAN_SIZE, "%" PRId64 " hours", seconds / HOUR);
    else
        (void)snprintf(out, DOCTOR_SPAN_SIZE, "%" PRId64 " s", seconds);
}
