#include "base/log.h"

#include "base/buf.h"
#include "base/log_line.h"
#include "base/log_output.h"
#include "base/mem.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

enum { LINE_MAX_BYTES = 16 * 1024, DOCUMENT_MAX_BYTES = 64 * 1024 };

static atomic_int wanted = LOG_INFO;
static _Thread_local const struct log_context *context;

static const char *const format_names[LOG_FORMATS] = {"json", "text"};

int log_level_named(const char *name)
{
    for (int level = 0; level < LOG_LEVELS; level++)
        if (strcmp(log_line_level((enum log_level)level), name) == 0)
            return level;
    return -1;
}

int log_format_named(const char *name)
{
    for (int format = 0; format < LOG_FORMATS; format++)
        if (strcmp(format_names[format], name) == 0)
            return format;
    return -1;
}

bool log_open(const char *file, enum log_level level, enum log_format format, struct error *err)
{
    if (!log_output_open(file, format, err))
        return false;
    atomic_store(&wanted, (int)level);
    return true;
}

void log_close(void)
{
    log_output_close();
}

bool log_start_writer(struct error *err)
{
    return log_output_start(err);
}

void log_stop_writer(void)
{
    log_output_stop();
}

bool log_wanted(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&wanted, memory_order_relaxed);
}

const struct log_context *log_set_context(const struct log_context *c)
{
    const struct log_context *before = context;

    context = c;
    return before;
}

uint64_t log_lost(void)
{
    return log_output_lost();
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    int saved_errno = errno;
    char text[LINE_MAX_BYTES];
    struct buf line = BUF_FIXED(text);

    if (!log_wanted(level))
        return;
    (void)buf_puts(&line, log_output_mark(level));
    log_line_put(&line, log_output_format(),
                 &(struct log_line){level, event, context, fields, count});
    if (line.overflowed)
        log_output_lose(1);
    else
        log_output_put(line.data, line.len, level == LOG_ERROR);
    errno = saved_errno;
}

void log_document(const struct buf *line)
{
    CLEANUP(buf_release) struct buf marked = BUF_INIT(DOCUMENT_MAX_BYTES);

    if (log_output_format() != LOG_JSON)
        return;
    (void)buf_puts(&marked, log_output_mark(LOG_INFO));
    (void)buf_append(&marked, line->data, line->len);
    if (line->overflowed || marked.overflowed)
        log_output_lose(1);
    else
        log_output_put(marked.data, marked.len, false);
}

void log_failure(enum log_level level, const char *event, const struct error *err)
{
    log_event(level, event, LOG_STR("error_code", err->code), LOG_STR("error", err->text));
}
