/*
 * inbox: the messages that workers have finished and the acknowledger has not looked at yet.
 *
 * Waking a thread costs more than what it does for one message, so the reader says how many have to
 * come before he wants to be woken. One lock inside; any thread adds, one takes.
 */
#ifndef ORDERD_INBOX_H
#define ORDERD_INBOX_H

#include "orderd/message.h"

#include <pthread.h>
#include <stdbool.h>

struct inbox {
    pthread_mutex_t lock; /* of all that follows */
    struct message_list list;
    unsigned wake_at; /* messages at which the reader is woken */
    bool closed;
};

void inbox_init(struct inbox *b);

/* Releases it with what it holds. */
void inbox_release(struct inbox *b);

/* Adds a message (takes M). Returns true when the reader has to be woken. */
bool inbox_add(struct inbox *b, struct message *m);

/* Moves what is there to LIST; the next message wakes. Returns false when nothing more will come.
 */
bool inbox_take(struct inbox *b, struct message_list *list);

/* Says that the reader is to be woken by the COUNTth message; false: that many are there. */
bool inbox_expect(struct inbox *b, unsigned count);

/* Says that nothing more will be added. */
void inbox_close(struct inbox *b);

#endif
