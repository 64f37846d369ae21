/*
 * reporter: tells others how the daemon is: each second the status file, and each interval a line
 * of metrics in the log and the file for Prometheus; and the sentence that systemd is told. The
 * main thread only; it never waits for a lock that a worker holds longer than a moment, nor, once
 * it is started, for a disk; and workers never wait for it.
 */
#ifndef ORDERD_REPORTER_H
#define ORDERD_REPORTER_H

#include "base/buf.h"
#include "base/error.h"
#include "base/replacer.h"
#include "orderd/control.h"
#include "orderd/metrics.h"
#include "orderd/sentence.h"
#include "orderd/start.h"
#include "orderd/status.h"

#include <stdbool.h>
#include <stdint.h>

struct reporter {
    const struct control *control; /* borrowed, as start */
    struct start *start;
    int64_t started_ms, started_ns;  /* wall time; clock_now() */
    int64_t written_ns, interval_ns; /* when the last status, and the last metrics, were written */
    struct metrics_reading now;      /* the last reading */
    struct metrics_reading reported; /* what the last metrics were about */
    struct metrics_reading before;   /* and those before them */
    enum status_state asked;         /* the state that the status was asked for */
    struct status status;
    char sentence[SENTENCE_MAX]; /* of the status */
    struct buf text;
    struct replacer *replacer; /* owned */
};

/* Prepares it; the start may go on meanwhile. Released in any case. */
void reporter_init(struct reporter *r, const struct control *control, struct start *start);
void reporter_release(struct reporter *r);

/* Has the files written by a thread of its own from now on. Errors: server. */
bool reporter_start(struct reporter *r, struct error *err) __attribute__((warn_unused_result));

/* Writes what is due, and borrows the sentence about the last status. STATE is what the daemon is
 * to do: whether it holds is seen here. A drain is over by UNTIL_NS (clock_now). Called each
 * second, or more often. */
const char *reporter_tick(struct reporter *r, enum status_state state, int64_t until_ns);

/* Writes all of it a last time, and borrows the sentence about the end: the daemon has ended, of
 * WHY when nobody asked it to; NULL: somebody did. A disk that stalls is waited for no longer than
 * 2 s.
 */
const char *reporter_end(struct reporter *r, const struct error *why);

#endif
