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

/* Told when SQS stops or resumes working (a breaker of its own: while it is open no poll but a
 * probe is opened), with no lock held, in a thread that found out: one at a time and in order, so
 * that what was told last is what is. */
struct queue_observer {
    void (*changed)(void *arg, bool open, const struct error *why);
    void *arg; /* borrowed */
};

/* Makes a queue; returned owned. OBSERVER is copied; NULL: nobody is told. */
struct queue *queue_new(unsigned workers, unsigned batch_size,
                        const struct queue_observer *observer)
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

/* Says that a receive failed after its retries, before queue_poll_ended() says that it ended. The
 * next poll is its probe; when that fails too the breaker opens, until a poll is read. Returns true
 * when it was open already. A receive that was stopped does not count. */
bool queue_receive_failed(struct queue *q, const struct error *why);

/* Says that a delete call failed as a whole, or that one worked. Three failures in a row let no
 * poll be opened until one works. Returns true when the breaker was open already. A call that was
 * stopped does not count. */
bool queue_deletes_failed(struct queue *q, const struct error *why);
void queue_deletes_worked(struct queue *q);

/* Says whether leases can be extended: when not, no message waits for a worker. */
void queue_may_prefetch(struct queue *q, bool may);

/* Says how the table is: no polls while it is down; while it is on trial and no order in hand, one
 * poll for one message. */
enum queue_table { QUEUE_TABLE_WORKS, QUEUE_TABLE_DOWN, QUEUE_TABLE_TRIAL };
void queue_table_is(struct queue *q, enum queue_table how);

/* Opens no polls until it is resumed. */
void queue_pause(struct queue *q, bool paused);

/* Lets no poll be opened any more, and wakes the receivers that wait to open one. */
void queue_end_polls(struct queue *q);

/* Says that nothing more will come: workers take what is there, then end. */
void queue_close(struct queue *q);

/* Waits for a message; returned owned. NULL: closed and empty. */
struct message *queue_take(struct queue *q);

/* Takes a message out, not to work on it but to let it go, that waits since RECEIVED_UNTIL_NS or
 * earlier, was received at most RECEIVES_MOST times, and is not known to be done; returned owned,
 * NULL: there is none. */
struct message *queue_take_overdue(struct queue *q, int64_t received_until_ns,
                                   int64_t receives_most);

/* Says that the calling worker has handed over what it took. */
void queue_finished(struct queue *q);

/* Counts COUNT taken messages as gone from our hands. */
void queue_gone(struct queue *q, unsigned count);

struct queue_state {
    unsigned asked, waiting, in_hand, idle_workers, working;
    bool paused, open;  /* open: the breaker of SQS */
    int64_t open_ns;    /* clock_now() since when */
    struct error error; /* what opened it, or the last failure */
};

/* Reads the numbers, for status. */
struct queue_state queue_state(struct queue *q);

#endif
