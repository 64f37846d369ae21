/*
 * queue: the messages that wait for a worker, and the permission to ask for more.
 *
 * Both are one object because the second depends on the first: a poll may be opened only when what
 * it can bring finds room. Limits: at most one batch waits beyond the free workers, and what is in
 * hand (asked for by open polls, waiting, in work, not yet gone) never exceeds workers + batch
 * + 40.
 *
 * Shared by receivers, workers and the acknowledger; one lock inside.
 */
#ifndef ORDERD_QUEUE_H
#define ORDERD_QUEUE_H

#include "orderd/message.h"

#include <stdbool.h>
#include <stdint.h>

struct queue;

enum { QUEUE_UNDELETED_MAX = 40 };

/* Makes a queue; returned owned. */
struct queue *queue_new(unsigned workers, unsigned batch_size)
    __attribute__((returns_nonnull, warn_unused_result));

/* Frees it with what still waits in it. */
void queue_free(struct queue *q);

/* How a poll ended, for the decision on the next. */
enum poll_end {
    POLL_READ,    /* the reply was read whole */
    POLL_HASTY,   /* likewise, but it was empty and came without the wait that was asked for */
    POLL_SPOILED, /* it failed, or its reply broke off; a message in it that is no message does not
                     count */
};

/*
 * Waits until the calling receiver may open a poll, and returns how many messages to ask for; 0
 * when no more polls are to be opened. While the queue is quiet one poll is open at a time; more
 * only when the last one came back full. After a spoiled poll the next asks for one message, after
 * 1 s doubling to 30 s, until one is read whole: a receive that went wrong may have cost its
 * messages a receive.
 */
unsigned queue_may_poll(struct queue *q);

/* Ends a poll that asked for ASKED: hands over what it brought (takes the list's messages). */
void queue_poll_ended(struct queue *q, unsigned asked, struct message_list *brought,
                      enum poll_end how);

/* Lets no poll be opened any more, and wakes the receivers that wait to open one. */
void queue_end_polls(struct queue *q);

/* Says that nothing more will come: workers take what is there, then end. */
void queue_close(struct queue *q);

/* Waits for a message; returned owned. NULL: closed and empty. */
struct message *queue_take(struct queue *q);

/* Counts COUNT taken messages as gone from our hands. */
void queue_gone(struct queue *q, unsigned count);

struct queue_state {
    unsigned asked, waiting, in_hand, idle_workers;
};

/* Reads the numbers, for status. */
struct queue_state queue_state(struct queue *q);

#endif
