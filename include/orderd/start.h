/*
 * start: what comes before the first receive: the clients are made, and the checks are run. That
 * takes as long as an outage lasts, so it has a thread of its own; what it found belongs to the
 * main thread once that has ended.
 */
#ifndef ORDERD_START_H
#define ORDERD_START_H

#include "base/error.h"
#include "base/stop.h"
#include "base/thread.h"
#include "order/config.h"
#include "order/services.h"
#include "orderd/check.h"

#include <stdbool.h>

struct start {
    const struct settings *settings; /* borrowed, as the flags */
    const struct stop *stop;         /* ends its waiting */
    const struct stop *abort;        /* ends a load of credentials, also later */
    struct thread thread;
    struct check_patience patience;
    struct services services;
    struct check_findings findings;
    bool
        ok; /* all is as it should be; else error says why not, of kind stopped when told to stop */
    struct error error;
};

/* Starts the thread. Errors: server. Released in any case, after its end. */
bool start_begin(struct start *s, const struct settings *settings, const struct stop *stop,
                 const struct stop *abort, struct error *err) __attribute__((warn_unused_result));
void start_release(struct start *s);

/* Tells whether it waits for an outage to pass. */
bool start_held(struct start *s);

#endif
