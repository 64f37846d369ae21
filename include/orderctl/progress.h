/*
 * progress: how far something has come that takes long: a bar, a count, the rate and the time that
 * is left, on a terminal; elsewhere nothing. Whatever else is printed takes its place. One thread.
 *
 *   [=======>            ]  38%  38000 of 100000 sent  820/s  1:15 left
 *   38000 sent  820/s  0:46
 */
#ifndef ORDERCTL_PROGRESS_H
#define ORDERCTL_PROGRESS_H

#include "orderctl/output.h"

#include <stdint.h>

struct progress_rate {
    uint64_t last; /* what the count was when it was looked at */
    double a_second;
};

struct progress {
    struct output *out; /* borrowed */
    const char *what;   /* what is counted, as in "5 sent"; borrowed */
    uint64_t total;     /* 0: nobody knows */
    int64_t started_ns;
    int64_t first_ns, last_ns;            /* it was looked at; 0: not yet */
    struct progress_rate counted, passed; /* of what is counted, and of the way to the end */
};

/* Begins now. */
void progress_init(struct progress *p, struct output *out, const char *what, uint64_t total);

/* Shows that DONE of the total are done; cheap to call for each. */
void progress_show(struct progress *p, uint64_t done);

/* The same where the end is known by something else than the count: AT of END, such as bytes of a
 * file (END 0: it is not known). */
void progress_show_at(struct progress *p, uint64_t done, uint64_t at, uint64_t end);

#endif
