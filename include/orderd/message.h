/*
 * message: one received message with its lease, and what is to become of it.
 *
 * It has one owner at any time: receiver -> queue -> worker -> acknowledger. Nobody else touches
 * it, so it needs no lock; its lease has one of its own, as it is extended whoever owns the
 * message.
 */
#ifndef ORDERD_MESSAGE_H
#define ORDERD_MESSAGE_H

#include "aws/sqs.h"
#include "order/confirm.h"
#include "orderd/lease.h"

#include <stdint.h>

/* What the acknowledger does with a finished message. */
enum disposal {
    DISPOSAL_DELETE,
    DISPOSAL_CHANGE, /* of visibility, to disposal_s from the moment of the call */
    DISPOSAL_LEAVE,  /* stays hidden until its lease ends */
};

struct message {
    struct message *next; /* its owner's list */
    struct sqs_message sqs;
    struct confirmation confirmation; /* drawn once, kept over repeated records */
    int64_t received_ns;              /* clock_now() from before the receive was sent */
    int64_t refused_ns;               /* clock_now() of its order's first refusal; 0: none yet */
    unsigned refused_opening;         /* openings of the table's breaker before the last one */
    int64_t arrived_ns;               /* clock_now() at which the reply was read */
    int64_t finished_ns;              /* clock_now() at which its worker was done with it */
    struct lease lease;
    bool known_done; /* its order is recorded: it came back before its delete had succeeded */
    char confirmation_number[LEASE_CONFIRMATION_SIZE]; /* of the recorded order; "": not known */

    enum disposal disposal;
    unsigned disposal_s; /* 0: visible at once */
    unsigned tries;      /* failed deletes so far */
    int64_t due_ns;      /* the acknowledger acts from then on */
};

/* Makes a message, whose lease stands in no register yet; takes the contents of RECEIVED, which is
 * empty afterwards. Returned owned. */
struct message *message_new(struct sqs_message *received, int64_t received_ns, int64_t lease_ns)
    __attribute__((returns_nonnull, warn_unused_result));

/* Frees a message and ends its lease; NULL is fine. */
void message_free(struct message *m);

/* A list of messages in the order of their arrival. */
struct message_list {
    struct message *first, *last;
    unsigned count;
};

#define MESSAGE_LIST_INIT ((struct message_list){NULL, NULL, 0})

/* Appends; takes the message. */
void message_list_add(struct message_list *list, struct message *m);

/* Appends all of FROM, which is empty afterwards. */
void message_list_move(struct message_list *list, struct message_list *from);

/* Removes the first; returned owned, NULL when the list is empty. */
struct message *message_list_take(struct message_list *list);

/* Frees them all. */
void message_list_release(struct message_list *list);

#endif
