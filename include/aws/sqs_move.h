/*
 * sqs_move: SQS's own way to empty a dead-letter queue: a task that moves its messages back to
 * where they came from, in the service, and goes on when whoever started it has gone.
 *
 * Uses one thread's struct sqs, of any queue. Source: StartMessageMoveTask, ListMessageMoveTasks
 * and CancelMessageMoveTask in the Amazon SQS API reference.
 */
#ifndef AWS_SQS_MOVE_H
#define AWS_SQS_MOVE_H

#include "aws/sqs.h"

enum { SQS_MOVE_RATE_MAX = 500, SQS_MOVE_HANDLE_MAX = 2048 };

enum sqs_move_status {
    SQS_MOVE_NONE, /* there is no task, and was none lately */
    SQS_MOVE_RUNNING,
    SQS_MOVE_CANCELLING,
    SQS_MOVE_COMPLETED,
    SQS_MOVE_CANCELLED,
    SQS_MOVE_FAILED,
};

struct sqs_move {
    enum sqs_move_status status;
    char handle[SQS_MOVE_HANDLE_MAX]; /* "" when it cannot be cancelled any more */
    int64_t moved, to_move;           /* approximate numbers of messages; -1: not said */
    int64_t started_ms; /* Unix time in ms; tells one task from another; 0: not said */
    char reason[256];   /* of a task that failed: "CouldNotDetermineMessageSource" */
};

/* Starts a task that moves all messages of the dead-letter queue SOURCE_ARN to the queues that they
 * came from, at most RATE a second (1-500; 0: the service decides). There is only one at a time:
 * a second one is refused. HANDLE is "" when the reply has none that can be used. */
bool sqs_move_start(struct sqs *s, const char *source_arn, unsigned rate, const struct stop *stop,
                    char handle[SQS_MOVE_HANDLE_MAX], struct error *err)
    __attribute__((warn_unused_result));

/* Tells how the queue's latest task stands. */
bool sqs_move_latest(struct sqs *s, const char *source_arn, const struct stop *stop,
                     struct sqs_move *out, struct error *err) __attribute__((warn_unused_result));

/* Cancels a task; what it has moved stays moved: *MOVED messages, -1 when that is not said. */
bool sqs_move_cancel(struct sqs *s, const char *handle, int64_t *moved, struct error *err)
    __attribute__((warn_unused_result));

#endif
