/*
 * acknowledger: the only one that talks to SQS about a message that exists: extends the leases of
 * all in hand, deletes those that are done, changes the visibility of those that failed.
 *
 * One thread; several calls under way at a time, so that it never limits the rate. Workers hand
 * over with acknowledger_submit(), which always takes; the number of messages is bounded by what
 * may be in hand. A delete that failed is tried again, also after the lease has ended: the order is
 * recorded, so deleting is always right. A change of visibility is sent once: a second one might
 * meet the message when somebody else has it.
 */
#ifndef ORDERD_ACKNOWLEDGER_H
#define ORDERD_ACKNOWLEDGER_H

#include "aws/sqs.h"
#include "base/stop.h"
#include "orderd/message.h"
#include "orderd/queue.h"
#include "orderd/stats.h"

#include <stdint.h>

struct acknowledger;

struct acknowledger_options {
    struct queue *queue; /* is told when messages are gone, and what calls fail */
    struct leases *leases;
    struct stats *stats;
    struct client *sqs;
    const char *queue_url;
    int64_t linger_ns;        /* how long a delete waits for others to share its call */
    const struct stop *abort; /* ends at once, with deletes undone */
};

/* Makes an acknowledger; borrows what the options point at. Returned owned. */
struct acknowledger *acknowledger_new(const struct acknowledger_options *options)
    __attribute__((returns_nonnull, warn_unused_result));
void acknowledger_free(struct acknowledger *a);

/* Hands a finished message over (takes M), with its disposal set. Any thread. */
void acknowledger_submit(struct acknowledger *a, struct message *m);

/* Changes how long a delete waits for others. Any thread. */
void acknowledger_set_linger(struct acknowledger *a, int64_t linger_ns);

/* Makes it look at the leases: one is due before it would look by itself. Any thread. */
void acknowledger_look(struct acknowledger *a);

/* Says that nothing more will be submitted: acknowledger_run() ends when all is done. Any thread.
 */
void acknowledger_close(struct acknowledger *a);

/* Works until it is closed and has nothing left, or abort is raised; the body of a thread, ARG is
 * the struct acknowledger. */
void acknowledger_run(void *arg);

/* Tells how many deletes are owed, for status. Any thread. */
unsigned acknowledger_owed(const struct acknowledger *a);

#endif
