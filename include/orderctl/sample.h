/*
 * sample: made-up orders, good ones all of them, as many as wanted: the same for the same seed. One
 * thread.
 */
#ifndef ORDERCTL_SAMPLE_H
#define ORDERCTL_SAMPLE_H

#include "base/buf.h"

#include <stdint.h>

enum { SAMPLE_TAG_SIZE = 9, SAMPLE_BODY_MAX = 4096 };

struct sample {
    uint64_t state;
    uint64_t count;            /* made so far */
    char tag[SAMPLE_TAG_SIZE]; /* in every order id: of this seed and no other */
};

void sample_init(struct sample *s, uint64_t seed);

/* Appends the next order as a message body; at most SAMPLE_BODY_MAX bytes. */
void sample_next(struct sample *s, struct buf *out);

#endif
