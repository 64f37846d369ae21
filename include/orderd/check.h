/*
 * check: what has to be true before the first receive.
 *
 * Finds the queue and the table, and asks both whether they will do: a queue that exists and is not
 * FIFO, a table whose key is order_id and that takes writes. A fault that only a person can mend
 * ends it; missing rights and credentials are asked again for 30 s, as both may be on their way at
 * boot; everything else is waited out. One thread.
 */
#ifndef ORDERD_CHECK_H
#define ORDERD_CHECK_H

#include "aws/call.h"
#include "aws/sqs.h"
#include "base/error.h"
#include "base/stop.h"
#include "order/config.h"
#include "orderd/backlog.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* How a start waits. One thread waits; any may ask how. */
struct check_patience {
    const struct stop *stop; /* ends the waiting */
    pthread_mutex_t lock;    /* of fault */
    struct error fault;      /* what it waits for; kind none: nothing */
};

#define CHECK_PATIENCE_INIT                                                                        \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER                                                          \
    }

/* Copies what it waits for; kind none: it does not. */
void check_waits_for(struct check_patience *patience, struct error *out);

struct check_options {
    const struct config *config;
    struct client *sqs, *dynamodb;
    struct check_patience *patience;
};

struct check_findings {
    char queue_url[SQS_URL_MAX];
    char dead_letter_url[SQS_URL_MAX]; /* "" when unknown */
    char dead_letter_arn[SQS_ARN_MAX]; /* of the redrive policy; "" when it was not needed */
    int64_t max_receive_count;         /* 0: no redrive policy, or an unreadable one */
    bool may_not_extend;               /* the right to change a visibility is missing */
    struct backlog_reading backlog;
};

/* Repeats a step of the start, with pauses, until it succeeds (true) or there is no point in going
 * on, and says once a minute what it waits for. Errors: as of check_run(). */
bool check_insist(struct check_patience *patience, bool (*step)(void *arg, struct error *err),
                  void *arg, struct error *err) __attribute__((warn_unused_result));

/* Runs the checks. False: config (end with status 78), auth (likewise, after 30 s) or stopped. */
bool check_run(const struct check_options *options, struct check_findings *out, struct error *err)
    __attribute__((warn_unused_result));

#endif
