/*
 * worker: takes messages off the queue, one at a time, and brings each to its outcome.
 *
 * One struct a thread; it owns its connection, its order and its buffers, so that an ordinary order
 * allocates nothing. What it shares is borrowed: queue, acknowledger, counters.
 */
#ifndef ORDERD_WORKER_H
#define ORDERD_WORKER_H

#include "aws/dynamodb.h"
#include "base/stop.h"
#include "order/order.h"
#include "order/record.h"
#include "orderd/acknowledger.h"
#include "orderd/outcome.h"
#include "orderd/queue.h"
#include "orderd/recording.h"
#include "orderd/stats.h"

#include <stdint.h>

/* What all workers share; borrowed by each, constant while they run. */
struct worker_options {
    struct queue *queue;
    struct acknowledger *acknowledger;
    struct stats *stats;
    const struct redrive *redrive;
    struct recording_options *recording;
    struct client *dynamodb;
    const char *table;
    const char *environment;
    int64_t timeout_ns;       /* the longest that the processing of one order may take */
    const struct stop *abort; /* ends the work at once */
};

struct worker {
    const struct worker_options *options;
    struct http_group *group;
    struct dynamodb dynamodb;
    struct digest *digest;
    struct recorder recorder;
    struct order order;
    struct recording recording;
    struct stop work; /* raised when the work on the message in hand has to stop */
};

bool worker_init(struct worker *w, const struct worker_options *options, struct error *err)
    __attribute__((warn_unused_result));
void worker_release(struct worker *w);

/* Stops the work in hand: the daemon ends at once (its abort flag is up already). Any thread. */
void worker_abort(struct worker *w);

/* Works until the queue is closed and empty; the body of a thread, ARG is the struct worker. */
void worker_run(void *arg);

/* Brings one message to its outcome and hands it to the acknowledger (takes M); for worker_run()
 * and tests. */
void worker_handle(struct worker *w, struct message *m);

#endif
