/*
 * dlq_send: moves messages from the dead-letter queue to the queue: sends them, then deletes them,
 * so that whatever ends it in between leaves a message twice and never none. One thread.
 */
#ifndef ORDERCTL_DLQ_SEND_H
#define ORDERCTL_DLQ_SEND_H

#include "aws/sqs.h"
#include "orderctl/dlq_walk.h"
#include "orderctl/pace.h"

#include <stdbool.h>
#include <stddef.h>

struct dlq_sender {
    struct dlq_walk *walk; /* borrowed */
    struct sqs *queue;     /* a client of the queue; borrowed */
    struct pace pace;      /* of messages */
};

/* One message that is to be moved. */
struct dlq_moving {
    const struct sqs_message *message; /* of the walk's page; borrowed */
    size_t prospect;                   /* the caller's: what will become of it */
    enum sqs_entry_result result;      /* filled in; RETRY: not sent, or no word about it */
    char id[SQS_ID_MAX];               /* filled in: its new id, once sent */
    char reason[256];                  /* filled in: why it is not sent */
};

/* Moves up to 10 messages of the walk's page, as many a call as a call takes and the rate allows;
 * entries that fail for the service's sake are repeated with growing pauses. What is sent is
 * deleted at once, what is not is left to be handed back. False when a call as a whole failed
 * (err->maybe_sent: those without a result may have been sent) or the context's stop flag went up.
 */
bool dlq_send(struct dlq_sender *s, struct dlq_moving *some, size_t count, struct error *err)
    __attribute__((warn_unused_result));

#endif
