/*
 * alone: holds a message whose order the table refuses on its final attempt, while all others go
 * on. Its worker sleeps between attempts, so only few are held in this way at a time. One struct an
 * attempt to record; one thread, which all share the options.
 */
#ifndef ORDERD_ALONE_H
#define ORDERD_ALONE_H

#include "base/backoff.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/stop.h"
#include "orderd/message.h"
#include "orderd/recording.h"

#include <stdbool.h>

struct alone {
    bool begun;
    struct backoff pause; /* before the record is tried again */
};

#define ALONE_INIT                                                                                 \
    {                                                                                              \
        .pause = {.first_ns = 1 * CLOCK_NS_PER_S, .max_ns = 30 * CLOCK_NS_PER_S }                  \
    }

/* Waits until the record of M may be tried again, which the table refused for WHY; logs it when it
 * does so for the first time. False: no more, as the hold is over, enough others are held, the
 * daemon drains, or the flag WORK is up. */
bool alone_wait(struct alone *a, struct recording_options *options, const struct message *m,
                struct stop *work, const struct error *why) __attribute__((warn_unused_result));

/* Ends the hold, if there was one. */
void alone_end(const struct alone *a, struct recording_options *options);

#endif
