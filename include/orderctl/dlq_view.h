/*
 * dlq_view: messages of the dead-letter queue as a list, a row or a record each, and what they come
 * to: how many there are of each reason. One thread.
 */
#ifndef ORDERCTL_DLQ_VIEW_H
#define ORDERCTL_DLQ_VIEW_H

#include "aws/sqs.h"
#include "orderctl/dlq_reason.h"
#include "orderctl/output.h"
#include "orderctl/table.h"

#include <stddef.h>

enum { DLQ_TALLY_MAX = 16 };

struct dlq_view {
    struct output *out; /* borrowed */
    struct table table;
    struct record record;
    struct {
        char code[64];
        size_t count;
    } tally[DLQ_TALLY_MAX]; /* of codes; those that find no room are among the others */
    size_t tally_count;
    size_t count, harmless, others;
};

void dlq_view_init(struct dlq_view *v, struct output *out);
void dlq_view_release(struct dlq_view *v);

/* Adds a message, which is printed at once as JSON, and with its page as a table. */
void dlq_view_add(struct dlq_view *v, const struct sqs_message *m, const char *order_id,
                  const struct dlq_reason *reason);

/* Prints the rows that were added since the last page. */
void dlq_view_page(struct dlq_view *v);

/* Says what SQS counts as received (all queues that the message was in: the API reference of
 * ReceiveMessage), and how many of each reason there were when there was more than one; to people.
 */
void dlq_view_tell(const struct dlq_view *v);

/* Adds what a record about a message begins with: ids, when it was sent, how often received. */
void dlq_view_put(struct record *r, const struct sqs_message *m, const char *order_id);

#endif
