/*
 * deletes: the deletes that wait, for others to share their call or for their next try, when that
 * is, and what the answer to a call means for them.
 *
 * Belongs to the acknowledger's thread, which makes the calls. One message that SQS does not delete
 * waits for a pause of its own. When calls fail as a whole all wait together, for one of them to be
 * tried as a probe; when that works, all of them are due at once.
 */
#ifndef ORDERD_DELETES_H
#define ORDERD_DELETES_H

#include "aws/sqs.h"
#include "orderd/complaint.h"
#include "orderd/message.h"
#include "orderd/stats.h"

#include <stdbool.h>
#include <stdint.h>

struct deletes {
    struct stats *stats; /* borrowed */
    struct message_list waiting;
    unsigned failures;     /* calls that failed as a whole, in a row */
    int64_t failed_ns;     /* clock_now() of the last one that counted */
    int64_t not_before_ns; /* no call is made earlier */
    bool trouble;          /* the last call deleted nothing */
    int64_t hurried_ns;    /* when all were last made due after trouble; 0: never */
    bool draining;
    struct complaint complaint; /* of answers that a delete failed */
};

/* Adds a delete (takes M), due from m->due_ns on. */
void deletes_add(struct deletes *d, struct message *m);

/* Takes the messages of a call that was answered. Those that are done with, deleted, refused or too
 * old, go to DONE (owned); any other waits for a pause that doubles with its tries, 100 ms to 30 s,
 * half of it chance. */
void deletes_settle(struct deletes *d, struct message *const *messages,
                    const struct sqs_entry *entries, unsigned count, struct message_list *done);

/* Tells whether the failure of a whole call that was sent at SENT_NS (clock_now) counts: one that
 * was under way when another failed says nothing new. */
bool deletes_count_failure(const struct deletes *d, int64_t sent_ns);

/* Takes the messages of a call that failed as a whole and was sent at SENT_NS (clock_now): if that
 * counts all wait, for a pause as above; from the third in a row on, by which it is no chance, for
 * 1 s doubling to 30 s. Those that are too old go to GIVEN_UP (owned). */
void deletes_put_back(struct deletes *d, struct message *const *messages, unsigned count,
                      int64_t sent_ns, struct message_list *given_up);

/* Makes all due at once; from now on a pause is 1 s at most. */
void deletes_drain(struct deletes *d);

struct deletes_due {
    unsigned count;    /* deletes that could be sent now */
    int64_t oldest_ns; /* since when the oldest of them could; INT64_MAX: none */
    int64_t next_ns;   /* when the next of the others can; INT64_MAX: never */
    bool probe;        /* one call at a time */
};

/* Tells what is due at NOW (clock_now). */
struct deletes_due deletes_look(const struct deletes *d, int64_t now);

/* Moves up to a batch of those that are due into OUT (owned), and returns how many. */
unsigned deletes_take(struct deletes *d, int64_t now, struct message *out[SQS_BATCH_MAX]);

#endif
