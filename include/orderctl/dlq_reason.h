/*
 * dlq_reason: why a message is in the dead-letter queue: by the table's items about the message and
 * its order, else by the message itself. One thread.
 */
#ifndef ORDERCTL_DLQ_REASON_H
#define ORDERCTL_DLQ_REASON_H

#include "aws/digest.h"
#include "aws/sqs.h"
#include "base/buf.h"
#include "order/order.h"
#include "orderctl/context.h"

#include <jansson.h>
#include <stdbool.h>

struct dlq_reason {
    bool harmless;                 /* the order is done: the message can go */
    bool recorded;                 /* the table says so; else it is what the message itself tells */
    bool unread;                   /* the table did not answer: what is said may not be all */
    char code[64];                 /* "" when unknown, or harmless */
    struct buf text;               /* for people */
    json_t *of_order, *of_message; /* the items that were read; owned; NULL: none, or not asked */
};

void dlq_reason_release(struct dlq_reason *r);

/* Reads one message after the other. */
struct dlq_reader {
    struct context *context; /* borrowed */
    struct order order;      /* of the last message that was read */
    struct error refusal;    /* why it is none */
    bool valid;
    bool all_items; /* ask for the item about the message also where it adds no reason */
    bool brief;     /* the reason is for a remark: the table is not asked where the message tells
                       itself, and no answer of it is no fault */
    bool no_table;  /* it did not answer, and is asked no more */
    struct digest *digest;
};

void dlq_reader_init(struct dlq_reader *r, struct context *c);
void dlq_reader_release(struct dlq_reader *r);

/* Reads a message's order as far as it goes, without the table, and borrows its id, "" when there
 * is no usable one; until the next call. */
const char *dlq_reader_read(struct dlq_reader *r, const struct sqs_message *m);

/* Finds the reason of the message that was read last. When the table does not answer, that is said
 * once, and noted as an incomplete outcome. */
void dlq_reader_find(struct dlq_reader *r, const struct sqs_message *m, struct dlq_reason *out);

#endif
