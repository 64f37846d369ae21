#include "base/log_line.h"

#include "base/clock.h"

#include <string.h>

static const char *const level_names[LOG_LEVELS] = {"debug", "info", "warning", "error"};

const char *log_line_level(enum log_level level)
{
    return level_names[level];
}

static bool is_absent(const struct log_field *f)
{
    return f->text != NULL && f->text[0] == '\0';
}

static void put_json_field(struct buf *line, const struct log_field *f)
{
    if (is_absent(f))
        return;
    (void)buf_puts(line, ",\"");
    (void)buf_puts(line, f->name);
    (void)buf_puts(line, "\":");
    if (f->text == NULL) {
        (void)buf_put_int(line, f->number);
        return;
    }
    if (f->bare) {
        (void)buf_puts(line, f->text);
        return;
    }
    (void)buf_putc(line, '"');
    (void)buf_put_json(line, f->text, strlen(f->text));
    (void)buf_putc(line, '"');
}

static bool needs_quotes(const char *text)
{
    return strpbrk(text, " \"=\\\t\n\r") != NULL;
}

static void put_text_field(struct buf *line, const struct log_field *f)
{
    const char *quote;

    if (is_absent(f))
        return;
    (void)buf_putc(line, ' ');
    (void)buf_puts(line, f->name);
    (void)buf_putc(line, '=');
    if (f->text == NULL) {
        (void)buf_put_int(line, f->number);
        return;
    }
    quote = needs_quotes(f->text) ? "\"" : "";
    (void)buf_puts(line, quote);
    (void)buf_put_json(line, f->text, strlen(f->text));
    (void)buf_puts(line, quote);
}

static void put_head(struct buf *out, enum log_format format, const struct log_line *line)
{
    const char *level = level_names[line->level];
    char now[CLOCK_TEXT_SIZE];

    clock_format(clock_wall_ms(), now);
    if (format == LOG_JSON) {
        (void)buf_puts(out, "{\"ts\":\"");
        (void)buf_puts(out, now);
        (void)buf_puts(out, "\",\"level\":\"");
        (void)buf_puts(out, level);
        (void)buf_puts(out, "\",\"event\":\"");
        (void)buf_puts(out, line->event);
        (void)buf_putc(out, '"');
    } else {
        (void)buf_printf(out, "%s %-7s %s", now, level, line->event);
    }
}

void log_line_put(struct buf *out, enum log_format format, const struct log_line *line)
{
    const struct log_context *context = line->context;
    void (*put)(struct buf *, const struct log_field *) =
        format == LOG_JSON ? put_json_field : put_text_field;

    put_head(out, format, line);
    if (context != NULL) {
        put(out, &LOG_STR("message_id", context->message_id));
        put(out, &LOG_STR("order_id", context->order_id));
        if (context->attempts > 0)
            put(out, &LOG_INT("attempts", context->attempts));
    }
    for (size_t i = 0; i < line->count; i++)
        put(out, &line->fields[i]);
    (void)buf_puts(out, format == LOG_JSON ? "}\n" : "\n");
}
