/*
 * dlq_task: empties the dead-letter queue by SQS's own move task, and watches it until it is done.
 * A task of somebody else's, or of a run that was killed, is followed instead of starting another.
 * One thread.
 */
#ifndef ORDERCTL_DLQ_TASK_H
#define ORDERCTL_DLQ_TASK_H

#include "orderctl/context.h"

#include <stdint.h>

enum dlq_task_end {
    DLQ_TASK_DONE,    /* all that there was is moved */
    DLQ_TASK_REFUSED, /* the service has no such tasks, or this one failed: what is left has to be
                         moved in another way; a message said why */
    DLQ_TASK_BROKEN,  /* an error ended the watching */
};

/* Says what a task moves: about COUNT messages, and to which queues, where these may be known. */
void dlq_task_announce(struct context *c, int64_t count);

/* Moves all messages of the dead-letter queue of that ARN, at most RATE a second (0: the service
 * decides), back to where they came from, and says so before; COUNT is about how many there are.
 * When the stop flag goes up the task is cancelled, and what it has moved stays moved. *MOVED says
 * how many messages, in any case. */
enum dlq_task_end dlq_task_run(struct context *c, const char *arn, int64_t count, unsigned rate,
                               uint64_t *moved, struct error *err)
    __attribute__((warn_unused_result));

#endif
