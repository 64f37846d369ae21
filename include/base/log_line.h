/*
 * log_line: one line of the log, put together as JSON for machines or as text for people.
 *
 * Pure but for the time, which is read from the clock. Any thread.
 */
#ifndef BASE_LOG_LINE_H
#define BASE_LOG_LINE_H

#include "base/buf.h"
#include "base/log.h"

struct log_line {
    enum log_level level;
    const char *event;
    const struct log_context *context; /* NULL: none */
    const struct log_field *fields;
    size_t count;
};

/* Appends the line with its end, exactly one '\n'; OUT overflows when it is too long. */
void log_line_put(struct buf *out, enum log_format format, const struct log_line *line);

/* Returns the name of a level ("info"). */
const char *log_line_level(enum log_level level);

#endif
