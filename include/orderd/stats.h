/* stats: what the daemon counts. Atomic counters; any thread. */
#ifndef ORDERD_STATS_H
#define ORDERD_STATS_H

#include "base/histogram.h"

#include <stdatomic.h>
#include <stdint.h>

struct stats {
    /* received = processed + duplicate + failed + deferred, once all work is done */
    _Atomic uint64_t received, processed, duplicate, failed, deferred;
    _Atomic uint64_t deleted;         /* deletes that SQS confirmed */
    _Atomic uint64_t delete_failures; /* entries and calls that failed, each time */
    _Atomic uint64_t leases_lost;     /* ended while their message was in work or waiting */
    _Atomic uint64_t unreadable;      /* messages in replies that could not be used */

    /* how long the stages took; deletion and whole are of messages whose delete was confirmed */
    struct histogram age, wait, processing, record, deletion, whole;
};

/* Adds to a counter. */
static inline void stats_add(_Atomic uint64_t *counter, uint64_t n)
{
    (void)atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* Reads a counter. */
static inline uint64_t stats_get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

#endif
