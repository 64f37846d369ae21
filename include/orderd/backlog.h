/*
 * backlog: how much waits in SQS: in the queue, and in its dead-letter queue. The thread that asks
 * reads the redrive policy anew with the same call, as it can be changed while the daemon runs.
 *
 * It asks little (an idle daemon makes 3.1 calls a minute, 3 of them polls): about the queue every
 * ten minutes; once a minute while much is received, or nothing is because receives are paused or
 * the table's breaker holds them; never while SQS's own breaker is open. Nothing depends on the
 * numbers: a look that fails leaves them as they were, and is not repeated sooner. The dead-letter
 * queue that the start has found by the redrive policy is asked as long as that names it.
 *
 * Run by its own thread, read by main; one lock inside.
 *
 * Source: Amazon SQS API reference, GetQueueAttributes: the numbers are approximate.
 */
#ifndef ORDERD_BACKLOG_H
#define ORDERD_BACKLOG_H

#include "aws/sqs.h"
#include "base/stop.h"
#include "orderd/breaker.h"
#include "orderd/outcome.h"
#include "orderd/queue.h"
#include "orderd/stats.h"

#include <stdint.h>

/* Messages as SQS counted them; -1: unknown. Times are of clock_now(), 0 when it was not asked. */
struct backlog_reading {
    int64_t visible, hidden, delayed; /* in the queue */
    int64_t read_ns;
    int64_t dead_letters; /* in the dead-letter queue, whether they can be received or not */
    int64_t dead_letters_read_ns;
};

#define BACKLOG_UNKNOWN                                                                            \
    ((struct backlog_reading){.visible = -1, .hidden = -1, .delayed = -1, .dead_letters = -1})

/* Takes over what SQS has just said of the queue, and of its dead-letter queue. */
void backlog_read_queue(struct backlog_reading *r, const struct sqs_attributes *queue);
void backlog_read_dead_letters(struct backlog_reading *r, const struct sqs_attributes *dead);

struct backlog_options {
    struct queue *queue;       /* borrowed, as all of these: is it paused, does SQS answer? */
    struct breaker *breaker;   /* of the table */
    struct redrive *redrive;   /* kept up to date */
    const struct stats *stats; /* what is received */
    struct client *sqs;
    const char *queue_url;
    const char *dead_letter_url;           /* "": unknown, and never asked */
    const char *dead_letter_arn;           /* that URL was found by; "": it was not */
    const struct backlog_reading *reading; /* what the start has read; copied */
    const struct stop *stop;               /* ends it at once */
};

struct backlog;

/* Makes a backlog; returned owned. */
struct backlog *backlog_new(const struct backlog_options *options)
    __attribute__((returns_nonnull, warn_unused_result));
void backlog_free(struct backlog *b);

/* Asks whenever it is time, until the stop; the body of a thread, ARG is the struct backlog. */
void backlog_run(void *arg);

/* Returns what was read last. */
struct backlog_reading backlog_describe(struct backlog *b);

#endif
