/*
 * sqs: a queue as SQS keeps it, for tests that play the service: visibility timeouts on
 * clock_now(), receive counts, receipt handles that change with each receive, a dead-letter queue,
 * partial failures of batches. Where SQS may do one thing or another it does the nastier one.
 *
 * What no sound consumer does is written down as a problem. One thread at a time.
 */
#ifndef FAKE_SQS_H
#define FAKE_SQS_H

#include "fake/peer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAKE_SQS_MESSAGES = 16, FAKE_SQS_PROBLEM_SIZE = 400 };

enum fake_place { FAKE_QUEUED, FAKE_DELETED, FAKE_DEAD };

struct fake_message {
    const char *id, *body; /* borrowed */
    enum fake_place place;
    unsigned receives;
    int64_t visible_ns; /* clock_now() from which on it is visible */
};

/* What is to happen to one entry of a batch. */
enum fake_entry {
    FAKE_ENTRY_DONE,
    FAKE_ENTRY_RETRY,
    FAKE_ENTRY_REFUSED,
    FAKE_ENTRY_UNSAID, /* it is not done, and the answer says nothing of it */
};

struct fake_sqs {
    struct fake_message messages[FAKE_SQS_MESSAGES];
    size_t count;
    unsigned max_receives;   /* of the redrive policy */
    unsigned changes_to_now; /* to visibility 0 */
    unsigned extensions;     /* and others */
    /* Tells whether a message may be deleted: if not, that is a problem. NULL: all may. */
    bool (*may_delete)(void *arg, const struct fake_message *m);
    void *arg;
    char problem[FAKE_SQS_PROBLEM_SIZE]; /* the first; "" when there is none */
};

/* Puts a message into the queue, visible at once; its texts are borrowed. */
void fake_sqs_send(struct fake_sqs *s, const char *id, const char *body);

/* Returns the message of that id; NULL when there is none. */
struct fake_message *fake_sqs_find(struct fake_sqs *s, const char *id);

/* Answers ReceiveMessage; returns how many messages the reply has. */
size_t fake_sqs_receive(struct fake_sqs *s, const struct peer_request *request,
                        struct peer_reply *reply);

/* Answers DeleteMessageBatch or ChangeMessageVisibilityBatch; the entry of that index ends as FATE
 * says. Returns how many entries the request has. */
size_t fake_sqs_batch(struct fake_sqs *s, const struct peer_request *request, size_t index,
                      enum fake_entry fate, struct peer_reply *reply);

/* Returns the WaitTimeSeconds of a ReceiveMessage. */
int64_t fake_sqs_wait_s(const struct peer_request *request);

#endif
