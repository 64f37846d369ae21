/*
 * credentials_flight: one load of keys that several threads may wait for: it exists from the moment
 * one of them wishes for it, and whoever needs its outcome joins it. Private to credentials*.c.
 *
 * All members but `done` are guarded by the lock of its provider, which is held for every call
 * here but credentials_flight_wait() and credentials_either().
 */
#ifndef AWS_CREDENTIALS_FLIGHT_H
#define AWS_CREDENTIALS_FLIGHT_H

#include "base/error.h"
#include "base/stop.h"

#include <stdbool.h>
#include <stdint.h>

struct credentials_flight {
    unsigned references; /* whose wish it was, and who waits */
    bool begun;
    bool forced; /* wished for because the current keys are refused */
    bool ok;     /* this and err: set before done is raised */
    struct error err;
    struct stop done;
};

/* Makes one with one reference; NULL, and why, when there is no descriptor left. */
struct credentials_flight *credentials_flight_new(struct error *err)
    __attribute__((warn_unused_result));

/* Gives a reference back; the last one frees. */
void credentials_flight_drop(struct credentials_flight *f);

/* Sleeps until it is done, STOP (NULL: none) is raised or clock_now() reaches DEADLINE_NS
 * (INT64_MAX: never). Errors: stopped, timeout. */
bool credentials_flight_wait(const struct credentials_flight *f, const struct stop *stop,
                             int64_t deadline_ns, struct error *err)
    __attribute__((warn_unused_result));

/* Returns a descriptor, to be closed by the caller, that is readable when A or B is; -1 when there
 * can be none. */
int credentials_either(int a, int b) __attribute__((warn_unused_result));

#endif
