/*
 * receiver: opens long polls and hands what they bring to the queue.
 *
 * One struct a thread. Several receivers share the queue, which says who may poll and for how many.
 */
#ifndef ORDERD_RECEIVER_H
#define ORDERD_RECEIVER_H

#include "aws/sqs.h"
#include "base/stop.h"
#include "orderd/acknowledger.h"
#include "orderd/breaker.h"
#include "orderd/lease.h"
#include "orderd/queue.h"
#include "orderd/stats.h"

#include <stdint.h>

/* What all receivers share; borrowed by each, constant while they run. */
struct receiver_options {
    struct queue *queue;
    struct leases *leases;
    struct acknowledger *acknowledger; /* extends the leases */
    struct breaker *breaker;           /* of the table */
    struct stats *stats;
    struct client *sqs;
    const char *queue_url;
    unsigned wait_s;
    unsigned visibility_s;    /* asked for on each receive */
    const struct stop *stop;  /* no poll begins once it is raised */
    const struct stop *abort; /* ends an open poll, which may strand messages: the last resort */
};

struct receiver {
    const struct receiver_options *options;
    struct http_group *group;
    struct sqs sqs;
    struct sqs_received received;
};

void receiver_init(struct receiver *r, const struct receiver_options *options);
void receiver_release(struct receiver *r);

/* Polls until the queue ends the polls; the body of a thread, ARG is the struct receiver. */
void receiver_run(void *arg);

#endif
