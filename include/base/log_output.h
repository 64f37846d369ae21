/*
 * log_output: where the lines of the log go, by a write(2) each or by a thread that writes many of
 * them at once.
 *
 * There is one for the process. Any thread may put lines; open, close, start and stop are the main
 * thread's. With the writer a line is out 50 ms after it was put, an urgent one at once; a crash
 * loses what was put since. A writer that cannot keep up, or cannot write, costs lines and never
 * the time of those who log: what is lost is counted, and the event log_lines_lost says how many as
 * soon as something can be written again.
 */
#ifndef BASE_LOG_OUTPUT_H
#define BASE_LOG_OUTPUT_H

#include "base/error.h"
#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens FILE ("" is stderr); lines that were put before still go to the one before it. FORMAT is
 * that of lines from now on. On failure the output stays as it was. */
bool log_output_open(const char *file, enum log_format format, struct error *err)
    __attribute__((warn_unused_result));

/* Ends the writer, closes the file and goes back to stderr. */
void log_output_close(void);

/* Starts the writer, a thread named log. */
bool log_output_start(struct error *err) __attribute__((warn_unused_result));

/* Writes what was put and ends the writer; a reader of our output that reads nothing for half a
 * second is given up. Without a writer a no-op. */
void log_output_stop(void);

/* Returns the format that lines are to have. */
enum log_format log_output_format(void);

/* Returns what a line of that level begins with: nothing, or, where stderr is the journal's, the
 * level that it reads and takes away. Source: sd-daemon(3), SD_INFO and so on. */
const char *log_output_mark(enum log_level level);

/* Takes a copy of a whole line. */
void log_output_put(const char *line, size_t len, bool urgent);

/* Counts lines that are lost, for whoever could not make one. */
void log_output_lose(uint64_t lines);

/* Returns how many lines were lost since the start. */
uint64_t log_output_lost(void);

#endif
