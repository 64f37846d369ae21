/*
 * complaint: what the log says once a minute while it goes on, with how often it was.
 *
 * For faults that come with every message, such as a right that is missing. Belongs to one thread;
 * all zero is one that has said nothing yet.
 */
#ifndef ORDERD_COMPLAINT_H
#define ORDERD_COMPLAINT_H

#include <stdint.h>

struct complaint {
    int64_t said_ns; /* clock_now() at which the log last said so; 0: never */
    uint64_t unsaid; /* times since then */
};

/* Adds COUNT times. Returns how many the log is to tell of now, those that it did not tell of
 * included; 0: it has spoken within the last minute. */
uint64_t complaint_add(struct complaint *c, uint64_t count);

#endif
