/*
 * batch: messages on their way to the queue, as many as one call takes: ten, of together 1 MiB.
 *
 * What was added is kept until it is known to be sent or known not to be. One thread.
 */
#ifndef ORDERCTL_BATCH_H
#define ORDERCTL_BATCH_H

#include "aws/sqs.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/stop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct batch_message {
    size_t offset, len; /* of the body in bodies */
    uint64_t number;    /* what the sender calls it: its line */
    enum sqs_entry_result result;
    char id[SQS_ID_MAX]; /* once sent */
    char reason[256];    /* when not */
};

struct batch {
    struct buf bodies;
    struct batch_message messages[SQS_BATCH_MAX];
    size_t count;
};

#define BATCH_INIT ((struct batch){.bodies = BUF_INIT(SQS_BODY_MAX)})

void batch_release(struct batch *b);

/* Forgets all messages. */
void batch_reset(struct batch *b);

/* Tells whether one more body of LEN bytes has room. */
bool batch_has_room(const struct batch *b, size_t len);

/* Adds a copy of a body that has room. */
void batch_add(struct batch *b, const char *body, size_t len, uint64_t number);

/* Says why SQS would not carry a body (NULL: it would): empty, over 1 MiB, not UTF-8, or with
 * characters that it refuses. Source: SendMessage in the SQS API reference. */
const char *batch_refuses(const char *body, size_t len);

/*
 * Sends them to the client's queue. Entries that fail for the service's sake are repeated with
 * growing pauses; one that is refused spoils no other. Afterwards each message has its result:
 * DONE; REFUSED or RETRY with a reason (not sent). False when a call as a whole failed: those
 * still on RETRY may or may not have been sent, err->maybe_sent says which.
 */
bool batch_send(struct batch *b, struct sqs *sqs, const struct stop *stop, struct error *err)
    __attribute__((warn_unused_result));

#endif
