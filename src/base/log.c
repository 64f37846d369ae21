/*
 * DESIGN: a line is formatted on its thread's stack and goes out by one write(2). No lock is
 * needed: the kernel keeps appends to a file whole, and writes to a pipe up to PIPE_BUF (4 KiB),
 * which only a hostile order's line exceeds. A file that is opened later takes the place of the
 * descriptor in use, so that no thread ever writes to a closed one.
 */
#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 16 * 1024, FILE_MODE = 0640, WAIT_MS = 1000 };

static struct {
    atomic_int fd, level, format;
    atomic_bool torn; /* the output ends within a line that could not be written as a whole */
    _Atomic uint64_t lost;
} sink = {.fd = STDERR_FILENO, .level = LOG_INFO, .format = LOG_JSON};

static _Thread_local const struct log_context *context;

static const char *const level_names[LOG_LEVELS] = {"debug", "info", "warning", "error"};
static const char *const format_names[LOG_FORMATS] = {"json", "text"};

static int named(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

int log_level_named(const char *name)
{
    return named(level_names, LOG_LEVELS, name);
}

int log_format_named(const char *name)
{
    return named(format_names, LOG_FORMATS, name);
}

/* Puts FD in the place of the one that is written to. */
static void replace(int fd)
{
    int current = atomic_load(&sink.fd);

    if (current == STDERR_FILENO) {
        atomic_store(&sink.fd, fd);
        return;
    }
    (void)dup3(fd, current, O_CLOEXEC);
    if (fd != STDERR_FILENO)
        (void)close(fd);
}

bool log_open(const char *file, enum log_level level, enum log_format format, struct error *err)
{
    int fd = STDERR_FILENO;

    if (file[0] != '\0') {
        fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, FILE_MODE);
        if (fd < 0)
            return error_set(err, ERROR_CONFIG, "LogFile", "cannot open the log file %s: %s", file,
                             strerror(errno));
    }
    replace(fd);
    atomic_store(&sink.format, (int)format);
    atomic_store(&sink.level, (int)level);
    atomic_store(&sink.torn, false);
    return true;
}

void log_close(void)
{
    int fd = atomic_exchange(&sink.fd, STDERR_FILENO);

    if (fd != STDERR_FILENO)
        (void)close(fd);
}

bool log_wanted(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&sink.level, memory_order_relaxed);
}

const struct log_context *log_set_context(const struct log_context *c)
{
    const struct log_context *before = context;

    context = c;
    return before;
}

uint64_t log_lost(void)
{
    return atomic_load(&sink.lost);
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

static void put_head(struct buf *line, enum log_format format, enum log_level level,
                     const char *event)
{
    char now[CLOCK_TEXT_SIZE];

    clock_format(clock_wall_ms(), now);
    if (format == LOG_JSON) {
        (void)buf_puts(line, "{\"ts\":\"");
        (void)buf_puts(line, now);
        (void)buf_puts(line, "\",\"level\":\"");
        (void)buf_puts(line, level_names[level]);
        (void)buf_puts(line, "\",\"event\":\"");
        (void)buf_puts(line, event);
        (void)buf_putc(line, '"');
    } else {
        (void)buf_printf(line, "%s %-7s %s", now, level_names[level], event);
    }
}

static void put_line(struct buf *line, enum log_level level, const char *event,
                     const struct log_field *fields, size_t count)
{
    enum log_format format =
        (enum log_format)atomic_load_explicit(&sink.format, memory_order_relaxed);
    void (*put)(struct buf *, const struct log_field *) =
        format == LOG_JSON ? put_json_field : put_text_field;

    put_head(line, format, level, event);
    if (context != NULL) {
        put(line, &LOG_STR("message_id", context->message_id));
        put(line, &LOG_STR("order_id", context->order_id));
        if (context->attempts > 0)
            put(line, &LOG_INT("attempts", context->attempts));
    }
    for (size_t i = 0; i < count; i++)
        put(line, &fields[i]);
    (void)buf_puts(line, format == LOG_JSON ? "}\n" : "\n");
}

/* Returns how many bytes went out: fewer than LEN when the disk is full, for one. */
/* Somebody made the descriptor non-blocking and is slow to read: waits for room, but not for ever.
 */
static bool wait_writable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    return poll(&p, 1, WAIT_MS) > 0;
}

static size_t write_all(int fd, const char *bytes, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t written = write(fd, bytes + done, len - done);

        if (written < 0 && (errno == EINTR || (errno == EAGAIN && wait_writable(fd))))
            continue;
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    return done;
}

/* Writes the line that was put together, after a line end of its own when AFTER_TORN. */
static void write_line(const struct buf *line, bool after_torn)
{
    size_t done = 0;

    if (!line->overflowed)
        done =
            write_all(atomic_load_explicit(&sink.fd, memory_order_relaxed), line->data, line->len);
    if (done == line->len)
        return;
    if (done > 0 || after_torn)
        atomic_store(&sink.torn, true);
    atomic_fetch_add(&sink.lost, 1);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    int saved_errno = errno;
    char text[LINE_MAX_BYTES];
    struct buf line = BUF_FIXED(text);
    bool after_torn;

    if (!log_wanted(level))
        return;
    after_torn = atomic_load_explicit(&sink.torn, memory_order_relaxed) &&
                 atomic_exchange(&sink.torn, false);
    if (after_torn)
        (void)buf_putc(&line, '\n');
    put_line(&line, level, event, fields, count);
    write_line(&line, after_torn);
    errno = saved_errno;
}

void log_failure(enum log_level level, const char *event, const struct error *err)
{
    log_event(level, event, LOG_STR("error_code", err->code), LOG_STR("error", err->text));
}
