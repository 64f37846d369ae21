/*
 * held: the messages that a walk over a queue has received and not yet let go, and what is to
 * become of each. One that comes again is known. One thread.
 */
#ifndef ORDERCTL_HELD_H
#define ORDERCTL_HELD_H

#include <stdbool.h>
#include <stddef.h>

enum held_fate {
    HELD_BACK,   /* to be handed back */
    HELD_DELETE, /* to be deleted */
    HELD_GONE,   /* deleted, or never received: nothing is left to be done */
};

struct held_message {
    char *id, *receipt_handle; /* owned; the handle NULL when there is none, or no use for it */
    enum held_fate fate;
};

struct held {
    struct held_message *messages;
    size_t count, capacity;
    size_t *slots; /* hash table of index + 1, 0: free; a power of two, at most half full */
    size_t slot_count;
};

#define HELD_INIT ((struct held){.messages = NULL})

/* Adds a message, whose receipt handle it takes; false when it was there: then the newer handle
 * takes the old one's place. */
bool held_add(struct held *h, const char *id, char *receipt_handle);

/* Borrows a message until the next one is added; NULL when it is not there. */
struct held_message *held_find(const struct held *h, const char *id);

/* Notes that a message is deleted. Its id stays known, should it come again; its handle, which
 * takes far more memory, is dropped. */
void held_gone(struct held_message *m);
void held_release(struct held *h);

#endif
