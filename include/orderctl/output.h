/*
 * output: all that the tool prints. Data goes to stdout: tables and records for people, or one JSON
 * object a line for programs. Messages, warnings and progress go to stderr.
 *
 * Nothing here fails: what could not be written is noted and asked for once at the end, by
 * output_finish(). One thread.
 */
#ifndef ORDERCTL_OUTPUT_H
#define ORDERCTL_OUTPUT_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct output {
    FILE *data, *messages; /* borrowed */
    bool json;             /* objects a line instead of tables */
    size_t width;          /* columns of the terminal that the data go to; 0: none, or unknown */
    size_t height;         /* its lines; likewise */
    bool terminal;         /* the data go to one */
    bool colors;           /* the data go to a terminal that may show colours */
    bool shows_progress;   /* the messages go to a terminal */
    bool progress_shown;   /* the cursor stands behind a progress text */
    int64_t progress_ns;   /* clock_now() of the last one */
    int fault;             /* errno of the first write that failed; 0: none */
};

enum color { COLOR_NONE, COLOR_GOOD, COLOR_WARNING, COLOR_BAD, COLOR_STRONG, COLOR_DIM };

/* Prepares the output. Where the data go to a terminal its width is the kernel's word, else that of
 * the variable COLUMNS; it shows colours unless NO_COLOR is set (no-color.org) or TERM is "dumb".
 */
void output_init(struct output *o, FILE *data, FILE *messages, bool json);

/* Looks anew how wide and high the terminal is. */
void output_measure(struct output *o);

/* Returns the bytes that begin a colour, or with COLOR_NONE end any; "" where there are none to be
 * shown. */
const char *output_color(const struct output *o, enum color color);

/* Writes bytes of data as they are. */
void output_bytes(struct output *o, const char *bytes, size_t len);

/* Writes JSON, of which U+007F to U+009F are escaped: it may hold them, but they can drive a
 * terminal. */
void output_json(struct output *o, const char *json, size_t len);

/* Prints a line of data for people. */
void output_line(struct output *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints a piece of a line, in a colour where colours are shown. */
void output_colored(struct output *o, enum color color, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints "orderctl: ..." to stderr. */
void output_message(struct output *o, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Replaces the progress text on a terminal, cut to its width, a few times a second at most;
 * elsewhere nothing. For a bar see progress.h. */
void output_progress(struct output *o, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Tells whether output_progress() would show anything now. */
bool output_progress_due(const struct output *o);

/* Asks how many columns a progress text may take, which changes with the terminal's width. */
size_t output_progress_width(const struct output *o);

/* Hands what was printed so far to the operating system; false when nothing can be written any
 * more, so that a command may stop early. */
bool output_flush(struct output *o);

/* Ends the output. Errors: server (what the operating system says), code Closed when nobody reads
 * it any more. */
bool output_finish(struct output *o, struct error *err) __attribute__((warn_unused_result));

/*
 * A record is a thing with names and values: aligned lines for people, an object for programs.
 * Whoever declares it releases it.
 */
struct record {
    struct output *out; /* borrowed */
    struct buf bytes;   /* names and values, one behind the other */
    struct record_field *fields;
    size_t count, capacity;
    bool printed; /* one was already: a blank line comes before the next */
};

enum { RECORD_BYTES_MAX = 32 * 1024 * 1024 };

#define RECORD_INIT(output) ((struct record){.out = (output), .bytes = BUF_INIT(RECORD_BYTES_MAX)})

/* Adds a text; NULL is JSON's null, and no line for people. */
void record_text(struct record *r, const char *name, const char *text);
void record_bytes(struct record *r, const char *name, const char *text, size_t len);
void record_int(struct record *r, const char *name, int64_t number);
void record_bool(struct record *r, const char *name, bool value);

/* Adds JSON text as it is. */
void record_json(struct record *r, const char *name, const char *json, size_t len);

/* Gives the value that was added last a colour, for people whose terminal shows any. */
void record_color(struct record *r, enum color color);

/* Prints what was added, and empties the record for the next one. No control character is written
 * as it is, whatever the values hold. */
void record_print(struct record *r);
void record_release(struct record *r);

#endif
