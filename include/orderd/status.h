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
#include "orderd/backlog.h"
#include "orderd/breaker.h"
#include "orderd/metrics.h"

#include <stdbool.h>
#include <stdint.h>

enum { STATUS_THREADS_MAX = 320, STATUS_MAX = 256 * 1024, STATUS_WHY_MAX = 640 };

enum status_state {
    STATUS_STARTING,
    STATUS_RUNNING,
    STATUS_PAUSED,
    STATUS_HOLDING, /* it runs or is paused, and a breaker is open */
    STATUS_DRAINING,
    STATUS_STOPPED,
    STATUS_STATES
};

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
    int64_t started_ns;         /* clock_now() */
    enum status_state state;
    bool paused;              /* it is to be, whatever the state */
    struct error fault;       /* what a start waits for, or what ended the daemon; kind none */
    int64_t since_ms;         /* wall time since when it is in that state */
    char why[STATUS_WHY_MAX]; /* it is not running; "" */
    int64_t oldest_ms;        /* age of the oldest message in hand; -1: none */
    int64_t lease_left_ms;    /* of the lease that ends first; -1: none */
    int64_t drain_left_ms;    /* of the time that a drain may take */
    uint64_t drained_of;      /* the most messages that were in hand since it began */
    unsigned asked, waiting, in_work, undeleted, workers, idle_workers;
    struct status_breaker table_breaker, queue_breaker;
    struct backlog_reading backlog;
    const char *need_restart;  /* names of changed settings; borrowed, as the next */
    const char *reload_error;  /* of the last reload, when that was refused */
    int64_t reload_refused_ms; /* wall time; 0: it was not */
    int64_t backlog_read_ms, dead_letters_read_ms; /* wall time of its times; 0: never */
    struct credentials_state credentials;
    struct metrics_reading before,
        now;                          /* the begin of the interval that is spoken of, and its end */
    double sqs_price, dynamodb_price; /* of a million calls; 0: unknown */
    struct status_thread threads[STATUS_THREADS_MAX];
    unsigned thread_count;
};

/* Names a state, as the file does. */
const char *status_state_name(enum status_state state);

/* Returns the state of a daemon that is to be in the state ASKED: a breaker that is OPEN holds one
 * that runs or is paused. */
enum status_state status_state_with(enum status_state asked, bool open);

/* Appends the object, with a line end. */
void status_put(struct buf *out, const struct status *s);

/* Puts what a month costs at the rate of so many calls in so many milliseconds. */
double status_monthly_cost(uint64_t calls, int64_t ms, double price_per_million);

#endif
