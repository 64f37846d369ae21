/*
 * log: levelled lines with fields, JSON for machines or text for people.
 *
 * Lines go to stderr or to a file opened for appending, each by a write(2) of its own until the
 * writer is started, which is a thread that writes many at once: then a line is out within 100 ms,
 * one of level error at once, in the order in which they were logged, and logging never waits for a
 * disk. A crash loses what was not out yet. A line that finds no room or cannot be written is
 * dropped, counted, and told of by the event log_lines_lost as soon as that can be written.
 *
 * Any thread; the output is opened and the writer started and stopped by the main thread. Event
 * names are fixed phrases, each explained in docs/log-messages.md. A line never holds a message
 * body, a secret or a receipt handle: fields are named one by one, and nothing here prints a whole
 * request.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_LEVELS };
enum log_format { LOG_JSON, LOG_TEXT, LOG_FORMATS };

struct log_field {
    const char *name;
    const char *text; /* NULL: the field is the number; "": the field is left out */
    int64_t number;
    bool bare; /* the text stands without quotes: true or false */
};

#define LOG_STR(field, value) ((struct log_field){.name = (field), .text = (value)})
#define LOG_INT(field, value) ((struct log_field){.name = (field), .number = (value)})
#define LOG_BOOL(field, value)                                                                     \
    ((struct log_field){.name = (field), .text = (value) ? "true" : "false", .bare = true})

/* Writes a line with at least one field when LEVEL is wanted:
 * log_event(LOG_INFO, "started", LOG_STR("queue", url)). */
#define log_event(level, event, ...)                                                               \
    do {                                                                                           \
        const struct log_field fields_[] = {__VA_ARGS__};                                          \
        log_write((level), (event), fields_, sizeof(fields_) / sizeof(fields_[0]));                \
    } while (0)

/* What a worker puts before its work on a message and takes away after it: three fields that every
 * line of this thread carries meanwhile. Borrowed. */
struct log_context {
    const char *message_id;
    const char *order_id; /* "" when there is no usable one */
    int64_t attempts;     /* receive count; 0: unknown */
};

/* Opens FILE ("" is stderr) and sets what is written; what was logged before goes to the file
 * before. On failure the output stays as it was. */
bool log_open(const char *file, enum log_level level, enum log_format format, struct error *err)
    __attribute__((warn_unused_result));

/* Ends the writer, closes the file and goes back to stderr. */
void log_close(void);

/* Starts the writer, a thread named log; on failure lines go out one by one as before. */
bool log_start_writer(struct error *err) __attribute__((warn_unused_result));

/* Writes all that was logged and ends the writer; from then on lines go out one by one again. A
 * reader of stderr that reads nothing for half a second is given up. Without a writer a no-op. */
void log_stop_writer(void);

/* Tells whether lines of that level are written. */
bool log_wanted(enum log_level level);

/* Writes one line; use log_event(). */
void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t count);

/* Writes a line that is a JSON object of somebody else's format, with its end, whatever the level;
 * nothing where lines are for people. */
void log_document(const struct buf *line);

/* Writes one line about an error: fields error_code and error. */
void log_failure(enum log_level level, const char *event, const struct error *err);

/* Sets the calling thread's context; NULL clears it. Borrows until then. Returns the one before,
 * for whoever has a word to say in between that is about no message. */
const struct log_context *log_set_context(const struct log_context *context);

/* Returns how many lines could not be written since the start. */
uint64_t log_lost(void);

/* Finds a level ("info") or format ("json") by its name; -1 when there is none. */
int log_level_named(const char *name);
int log_format_named(const char *name);

#endif
