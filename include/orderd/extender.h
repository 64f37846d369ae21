/*
 * extender: what a call about leases says, and what its answer means.
 *
 * Belongs to the acknowledger's thread, which makes the calls: it takes what is due, sends the
 * entries, and hands the answer back. A lease is asked for again every 2 s while it lasts, but not
 * where the right to extend is missing: then it lasts to its end, no message waits for a worker any
 * more, and the next lease that is half over finds out whether the right has been given.
 *
 * Source: SQS API reference, ChangeMessageVisibilityBatch.
 */
#ifndef ORDERD_EXTENDER_H
#define ORDERD_EXTENDER_H

#include "aws/sqs.h"
#include "orderd/complaint.h"
#include "orderd/lease.h"
#include "orderd/queue.h"
#include "orderd/stats.h"

#include <stdint.h>

struct extender {
    struct leases *leases; /* borrowed, like the next two */
    struct queue *queue;   /* is told whether messages may wait */
    struct stats *stats;
    struct complaint complaint; /* that extensions fail */
};

/* A call under way. */
struct extension_call {
    struct lease_extension extensions[SQS_BATCH_MAX];
    unsigned count;
    int64_t sent_ns; /* clock_now() from before it */
};

/* Fills a call with leases that are due, and the entries to be sent, which borrow from it; returns
 * how many, 0 when none is due. It has to be ended by one of the next two. */
unsigned extender_take(struct extender *e, struct extension_call *call,
                       struct sqs_entry entries[SQS_BATCH_MAX]);

/* Takes the answer to a call: its entries, or FAULT when it failed as a whole. */
void extender_answered(struct extender *e, struct extension_call *call,
                       const struct sqs_entry entries[SQS_BATCH_MAX], const struct error *fault);

/* Ends a call whose answer nobody waits for any more. */
void extender_drop(struct extender *e, struct extension_call *call);

/* Tells whether a failed change of visibility means that the right to it is missing. Keys that are
 * wrong or missing say nothing about rights. */
bool extender_is_denial(const char *code);

#endif
