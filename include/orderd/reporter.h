/*
 * reporter: tells others how the daemon is: each second the status file, and each interval a line
 * of metrics in the log and the file for Prometheus. The main thread only; it never waits for a
 * lock that a worker holds longer than a moment, and workers never wait for it.
 */
#ifndef ORDERD_REPORTER_H
#define ORDERD_REPORTER_H

#include "base/buf.h"
#include "orderd/control.h"
#include "orderd/metrics.h"
#include "orderd/start.h"
#include "orderd/status.h"

#include <stdbool.h>
#include <stdint.h>

/* What goes on failing is said once. */
struct reported_file {
    char *failed; /* the path that could not be written last time; owned; NULL: none */
};

struct reporter {
    const struct control *control; /* borrowed, as start */
    const struct start *start;
    int64_t started_ms;              /* wall time */
    int64_t written_ns, interval_ns; /* when the last status, and the last metrics, were written */
    struct metrics_reading now;      /* the last reading */
    struct metrics_reading reported; /* what the last metrics were about */
    struct metrics_reading before;   /* and those before them */
    struct status status;
    struct buf text;
    struct reported_file status_file, prometheus_file;
};

/* Prepares it; the start may go on meanwhile. Released in any case. */
void reporter_init(struct reporter *r, const struct control *control, const struct start *start);
void reporter_release(struct reporter *r);

/* Writes what is due. STATE is what the daemon does (status.h), WHY it does not run, "" when it
 * does. Called each second, or more often. */
void reporter_tick(struct reporter *r, const char *state, const char *why);

/* Writes all of it a last time: the daemon has ended. */
void reporter_end(struct reporter *r);

#endif
