/*
 * held: the messages that a listing of a queue keeps hidden until it has seen all of them. Knows
 * which ones it has seen, so that one that comes again is not shown again. One thread.
 */
#ifndef ORDERCTL_HELD_H
#define ORDERCTL_HELD_H

#include <stdbool.h>
#include <stddef.h>

struct held_message {
    char *id, *receipt_handle; /* owned */
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
void held_release(struct held *h);

#endif
