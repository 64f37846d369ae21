/*
 * status: how the daemon is, as a JSON object for whoever asks: orderctl stats, a script, a person
 * at night. Plain data, filled and written by the main thread. No secret, no body, no receipt
 * handle is in it. docs/status.md explains every member.
 */
#ifndef ORDERD_STATUS_H
#define ORDERD_STATUS_H

#include "aws/credentials.h"
#include "base/buf.h"
#include "base/error.h"
#include "orderd/breaker.h"
#include "orderd/metrics.h"

#include <stdbool.h>
#include <stdint.h>

enum { STATUS_THREADS_MAX = 320, STATUS_MAX = 256 * 1024, STATUS_WHY_MAX = 160 };

struct status_thread {
    const char *name, *doing; /* borrowed */
    int64_t for_ms;
};

struct status_breaker {
    enum breaker_state state;
    int64_t since_ms;   /* wall time; 0 while it is closed */
    struct error error; /* what opened it */
};

struct status {
    const char *version, *environment, *queue, *table, *region; /* borrowed */
    int pid;
    int64_t now_ms, started_ms; /* wall time */
    const char *state;          /* starting, running, paused, holding, draining, stopped */
    int64_t since_ms;           /* wall time since when it is in that state */
    char why[STATUS_WHY_MAX];   /* it is not running; "" */
    int64_t oldest_ms;          /* age of the oldest message in hand; -1: none */
    int64_t lease_left_ms;      /* of the lease that ends first; -1: none */
    unsigned asked, waiting, in_work, undeleted, workers, idle_workers;
    struct status_breaker table_breaker, queue_breaker;
    struct credentials_state credentials;
    struct metrics_reading before,
        now;                          /* the begin of the interval that is spoken of, and its end */
    double sqs_price, dynamodb_price; /* of a million calls; 0: unknown */
    struct status_thread threads[STATUS_THREADS_MAX];
    unsigned thread_count;
};

/* Appends the object, with a line end. */
void status_put(struct buf *out, const struct status *s);

/* Puts what a month costs at the rate of so many calls in so many milliseconds. */
double status_monthly_cost(uint64_t calls, int64_t ms, double price_per_million);

#endif
